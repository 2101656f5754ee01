import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import type { Database } from '../../src/db/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import type { Agent } from '../../src/ports/agent.ts';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { rng, type Guest } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { visit, type Visit } from './visit.ts';

const SKY = 'Why is the sky blue? Explain it to a child.';

let v: Visit;
let clock: HandClock;
/** While it is true, what is asked of the outside is answered never. */
let isStuck: boolean;

beforeEach(() => {
  clock = createHandClock();
  isStuck = false;
});
afterEach(async () => {
  isStuck = false;
  expect(v.broken()).toEqual([]);
  await v.close();
});

/** Answers as `real` does, or, if we are stuck when it is asked, never before its signal fires. */
function orNever<T>(signal: AbortSignal, real: () => Promise<T>): Promise<T> {
  if (!isStuck) return real();
  return new Promise((_resolve, reject) => {
    const gone = (): void => reject(new OutsideError('unavailable', 'stuck'));
    signal.addEventListener('abort', gone, { once: true });
  });
}

function agent(): Agent {
  const stub = createStubAgent();
  return {
    kind: 'stub',
    evaluate: (request, signal) => orNever(signal, () => stub.evaluate(request, signal)),
    work: (request, signal) => orNever(signal, () => stub.work(request, signal)),
  };
}

/** A wallet of which one thing gets stuck. */
function wallet(of: 'createInvoice' | 'lookupInvoice'): (database: Database) => Wallet {
  return (database) => {
    const stub = createStubWallet({ database, network: 'regtest', clock, rng });
    if (of === 'createInvoice') {
      return { ...stub, createInvoice: (asked, signal) => orNever(signal, () => stub.createInvoice(asked, signal)) };
    }
    return { ...stub, lookupInvoice: (hash, signal) => orNever(signal, () => stub.lookupInvoice(hash, signal)) };
  };
}

const lnurl: LnurlPay = {
  resolve: () => Promise.resolve(),
  invoice: (_destination, amountMsats, signal) =>
    orNever(signal, () => Promise.resolve(v.invoice(Number(amountMsats) / 1000))),
};

const invoiceOf = (guest: Guest): string => guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';

let asked = 0;

async function ask(guest: Guest): Promise<void> {
  await guest.say(`${SKY} In version ${++asked}.`);
  await v.pass(1);
}

/** The whole way of an honest customer, three seconds for each step. */
async function buys(guest: Guest): Promise<void> {
  await ask(guest);
  const look = invoiceOf(guest);
  expect(look).not.toBe('');
  v.house.pay(look);
  await v.pass(3);
  const work = invoiceOf(guest);
  expect(work).not.toBe(look);
  v.house.pay(work);
  await v.pass(3);
  expect(guest.heard.some((text) => text.includes('Answer of the stub agent'))).toBe(true);
}

describe('an honest customer is served while', () => {
  it('every place of the model is taken by calls that never end', async () => {
    v = await visit({ clock, agent: agent() });
    const others = await Promise.all([v.house.guest(), v.house.guest()]);
    for (const other of others) for (let n = 0; n < 3; n++) await ask(other);
    isStuck = true;
    for (const other of others) for (const bolt11 of other.heard) if (bolt11.startsWith('lnbcrt')) v.house.pay(bolt11);
    await v.pass(3);
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'job.evaluate' AND state = 'running'`)).toBe(4);

    await ask(v.guest);
    v.house.pay(invoiceOf(v.guest));
    await v.pass(5);
    expect(v.guest.heard.at(-1)).toMatch(/^Paid\. Looking at J-/);
    await v.guest.say('status');
    await v.pass(1);
    expect(v.guest.heard.at(-1)).toMatch(/^J-/);
  });

  it('the wallet never answers for the invoices of others', async () => {
    v = await visit({ clock, wallet: wallet('createInvoice') });
    const others = await Promise.all([v.house.guest(), v.house.guest(), v.house.guest()]);
    isStuck = true;
    for (const other of others) for (let n = 0; n < 6; n++) await ask(other);
    isStuck = false;
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'invoice.create' AND state = 'running'`)).toBe(9);
    await buys(v.guest);
  });

  it('the wallet never answers about the invoices of others, who say again and again that they paid', async () => {
    v = await visit({ clock, wallet: wallet('lookupInvoice') });
    const others = await Promise.all([v.house.guest(), v.house.guest(), v.house.guest()]);
    for (const other of others) for (let n = 0; n < 3; n++) await ask(other);
    isStuck = true;
    for (let n = 0; n < 6; n++) {
      for (const other of others) await other.say('paid');
      await v.pass(1);
    }
    isStuck = false;
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'invoice.claim' AND state = 'running'`)).toBe(6);
    await buys(v.guest);
  });

  it('the addresses that another named never answer; theirs is asked', async () => {
    v = await visit({ clock, lnurl, env: { REFUND_ASK_MIN_SATS: '2' } });
    const other = await v.house.guest();
    await buys(other);
    await buys(v.guest);
    isStuck = true;
    for (let n = 0; n < 12; n++) await other.say(`refund slow${n}@pay.example`);
    await v.pass(1);
    isStuck = false;
    expect(v.count(`SELECT count(*) FROM tasks WHERE kind = 'refund.resolve' AND state = 'running'`)).toBeLessThan(5);
    await v.guest.say('refund me@pay.example');
    await v.pass(3);
    expect(v.guest.heard.at(-1)).toMatch(/^Paid out/);
    expect(v.count('SELECT paid FROM outbox ORDER BY id DESC LIMIT 1')).toBe(1);
  });
});

describe('one sender', () => {
  it('with three requests has them worked on side by side, and the fourth as soon as one is done', async () => {
    const stub = createStubAgent();
    const running: (() => void)[] = [];
    const slow: Agent = {
      ...stub,
      evaluate: async (request, signal) => {
        await new Promise<void>((resolve) => running.push(resolve));
        return stub.evaluate(request, signal);
      },
    };
    v = await visit({ clock, agent: slow, env: { LIMIT_OPEN_INVOICES: '10' } });
    for (let n = 0; n < 4; n++) await ask(v.guest);
    for (const bolt11 of v.guest.heard) if (bolt11.startsWith('lnbcrt')) v.house.pay(bolt11);
    await v.pass(3);
    expect(running).toHaveLength(3);
    running[1]?.();
    await v.pass(1);
    expect(running).toHaveLength(4);
    for (const letGo of running) letGo();
    await v.pass(1);
  });
});
