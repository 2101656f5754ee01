import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import { systemClock } from '../../src/app/system.ts';
import { decodeInvoice, encodeInvoice } from '../../src/bolt11/index.ts';
import { register } from '../../src/cli/index.ts';
import { balance, OPERATOR, SUSPENSE, WALLET } from '../../src/ledger/index.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import { msats } from '../../src/lib/units.ts';
import { encodeNpub } from '../../src/nostr/keys.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import {
  adoptSurplus,
  findInvoiceByHash,
  lastReconciliation,
  receiptChain,
  reconcileSoon,
} from '../../src/payments/index.ts';
import type { Wallet, WalletRow } from '../../src/ports/wallet.ts';
import { openHouse, rng, type Guest, type House } from '../builders/house.ts';
import { createTerminal, type FakeTerminal } from '../fakes/terminal.ts';

/** What a wallet may do to us: be silent, forget, hold on, and hold other sums than we think. */
interface Mischief {
  /** Look-ups of invoices say this, whatever is true. */
  invoices: 'honest' | 'open' | 'lapsed';
  /** Payments are taken and never decided. */
  holdsPayments: boolean;
  skewMsats: bigint;
  readonly extra: WalletRow[];
  readings: number;
}

let dir: string;
let house: House;
let mischief: Mischief;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'timmy-reconcile-'));
  mischief = { invoices: 'honest', holdsPayments: false, skewMsats: 0n, extra: [], readings: 0 };
  house = await openHouse({
    path: join(dir, 'timmy.db'),
    env: { TIMMY_OPERATOR_NPUBS: encodeNpub('d'.repeat(63) + '1') },
    wallet: (database) =>
      mischievous(createStubWallet({ database, network: 'regtest', clock: systemClock, rng }), mischief),
  });
});
afterEach(async () => {
  await house.close();
  rmSync(dir, { recursive: true });
});

function mischievous(wallet: Wallet, does: Mischief): Wallet {
  const moved = (): bigint =>
    does.extra.reduce(
      (sum, row) => sum + (row.direction === 'in' ? row.amountMsats : 0n - row.amountMsats - row.feeMsats),
      0n,
    );
  return {
    ...wallet,
    contact: async (signal) => {
      const contact = await wallet.contact(signal);
      return { ...contact, balanceMsats: msats(contact.balanceMsats + moved() + does.skewMsats) };
    },
    changes: async (offset, limit, signal) => {
      does.readings += 1;
      const all = [...does.extra, ...(await wallet.changes(0, 1000, signal)).rows];
      return { rows: all.slice(offset, offset + limit), isLast: all.length < offset + limit };
    },
    rowsOf: async (hash, signal) => [
      ...does.extra.filter((row) => row.paymentHash === hash),
      ...(await wallet.rowsOf(hash, signal)),
    ],
    lookupInvoice: (hash, signal) =>
      does.invoices === 'honest' ? wallet.lookupInvoice(hash, signal) : Promise.resolve({ state: does.invoices }),
    pay: async (bolt11, label, signal) => {
      if (!does.holdsPayments) return wallet.pay(bolt11, label, signal);
      const invoice = decodeInvoice(bolt11);
      if ('invalid' in invoice) throw new Error(invoice.invalid);
      does.extra.push(line('out', invoice.paymentHash, invoice.amountMsats ?? 0n, 'open', 2000n));
      return { answer: 'accepted' };
    },
    lookupPayment: (hash, signal) =>
      does.extra.some((row) => row.paymentHash === hash)
        ? Promise.resolve({ state: 'unknown' })
        : wallet.lookupPayment(hash, signal),
    watch: () => () => {},
  };
}

function line(
  direction: 'in' | 'out',
  paymentHash: string,
  amount: bigint,
  state: WalletRow['state'] = 'paid',
  fee = 0n,
): WalletRow {
  return {
    paymentHash,
    direction,
    state,
    amountMsats: msats(amount),
    feeMsats: msats(fee),
    createdAt: systemClock.now(),
    changedAt: systemClock.now(),
    label: null,
  };
}

/** Has the wallet compared with the books, now, and waits for what comes of it. */
async function reconcile(): Promise<ReturnType<typeof lastReconciliation>> {
  const { database, timmy } = house;
  const before = mischief.readings;
  database.write((tx) => reconcileSoon(tx, systemClock.now()));
  timmy.worker.poke();
  await vi.waitFor(() => {
    expect(mischief.readings).toBeGreaterThan(before);
    const task = database.read.$client.prepare(`SELECT state FROM tasks WHERE kind = 'wallet.reconcile'`).get();
    expect(task).toEqual({ state: 'waiting' });
  });
  return lastReconciliation(database.read);
}

/** A command line beside the running house, which is told to look for its tasks at once. */
function terminal(): FakeTerminal {
  const env = { TIMMY_DATA_DIR: dir, TIMMY_ALLOW_PRIVATE_NETWORK: '1' };
  const cli = createTerminal({ clock: systemClock, hub: house.hub, cwd: dir, env }, register);
  const run = (...argv: string[]): Promise<number> => {
    const running = cli.run(...argv);
    setImmediate(() => house.timmy.worker.poke());
    return running;
  };
  return { ...cli, run };
}

/** Pays, and lets the wallet's push say so. */
function pay(bolt11: string): void {
  house.pay(bolt11);
  house.timmy.onWalletHint(hashOf(bolt11));
}

const alerts = (): string[] =>
  (
    house.database.read.$client.prepare(`SELECT what FROM told WHERE what LIKE 'alert:%'`).all() as { what: string }[]
  ).map(({ what }) => what);
const books = (account: Parameters<typeof balance>[1]): bigint => balance(house.database.read, account);
const hashOf = (bolt11: string): string => {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice) throw new Error(invoice.invalid);
  return invoice.paymentHash;
};

const REQUEST = 'Why is the sky blue? Explain it to a child.';

async function buy(guest: Guest): Promise<void> {
  await guest.say(REQUEST);
  pay(await guest.hears(/^lnbcrt/));
  pay(await guest.hears(/^lnbcrt/));
  await guest.hears(/ yours\. receipt/);
}

function refundInvoice(sats: number, preimage: Buffer): string {
  return encodeInvoice(
    {
      ...{ network: 'regtest', amountMsats: msats(BigInt(sats) * 1000n), timestamp: systemClock.now() },
      ...{ expirySeconds: 3600, description: 'change', paymentHash: sha256Hex(preimage) },
      paymentSecret: sha256Hex(randomBytes(32)),
    },
    randomBytes(32),
  );
}

describe('money that the books did not expect', () => {
  it('a payment that every look-up denies is found in the wallet’s own list', async () => {
    const guest = await house.guest();
    mischief.invoices = 'lapsed';
    await guest.say(REQUEST);
    const bolt11 = await guest.hears(/^lnbcrt/);
    house.pay(bolt11);
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    expect(findInvoiceByHash(house.database.read, hashOf(bolt11))?.state).toBe('paid');
    await guest.hears(/^lnbcrt/);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('a payment is found behind any number of rows that strangers made since', async () => {
    const guest = await house.guest();
    await reconcile();
    mischief.invoices = 'lapsed';
    await guest.say(REQUEST);
    const bolt11 = await guest.hears(/^lnbcrt/);
    house.pay(bolt11);
    // Invoices that nobody pays, as a Lightning address of the wallet makes them for everybody who asks.
    for (let n = 0; n < 2100; n++) mischief.extra.push(line('in', sha256Hex(`noise ${n}`), 1000n, 'open'));
    mischief.skewMsats = -2_100_000n;
    await reconcile();
    await guest.hears(/^lnbcrt/);
    expect(findInvoiceByHash(house.database.read, hashOf(bolt11))?.state).toBe('paid');
    await vi.waitFor(
      () => expect(lastReconciliation(house.database.read)).toMatchObject({ gapMsats: 0, drift: null }),
      4000,
    );
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('a second payment of one invoice is the customer’s, once', async () => {
    const guest = await house.guest();
    await guest.say(REQUEST);
    const bolt11 = await guest.hears(/^lnbcrt/);
    pay(bolt11);
    await guest.hears(/^lnbcrt/);
    mischief.extra.push(line('in', hashOf(bolt11), 10_000n));
    await reconcile();
    expect(await guest.hears(/10 sats more came/)).toContain('10 sats are yours');
    await reconcile();
    expect(house.database.read.$client.prepare('SELECT amount_msats, because FROM debts').all()).toEqual([
      { amount_msats: 10_000, because: 'unexpected' },
    ]);
    mischief.extra.push(line('in', hashOf(bolt11), 10_000n));
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    await guest.hears(/20 in all/);
    expect(alerts()).toEqual([]);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('what is there at first contact is the operator’s; later strangers’ money waits, and a theft is told, once', async () => {
    const [before, after, gone] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];
    mischief.extra.push(line('in', before, 90_000n));
    await reconcile();
    expect([books(WALLET), books(OPERATOR), books(SUSPENSE)]).toEqual([90_000n, 90_000n, 0n]);
    mischief.extra.push(line('in', after, 7_000n));
    await reconcile();
    await reconcile();
    expect([books(WALLET), books(OPERATOR), books(SUSPENSE)]).toEqual([97_000n, 90_000n, 7_000n]);
    expect(alerts()).toEqual([expect.stringContaining('7 sats came into the wallet')]);
    house.database.write((tx) => [adoptSurplus(tx, systemClock.now()), adoptSurplus(tx, systemClock.now())]);
    expect([books(WALLET), books(OPERATOR), books(SUSPENSE)]).toEqual([97_000n, 97_000n, 0n]);
    await reconcile();
    mischief.extra.push(line('out', gone, 20_000n, 'paid', 1000n));
    await reconcile();
    expect(await reconcile()).toMatchObject({
      gapMsats: 21_000,
      drift: expect.stringContaining('21 sats less') as string,
    });
    expect(alerts().filter((what) => what.includes('20 sats left the wallet'))).toHaveLength(1);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });
});

describe('a drift', () => {
  it('stops sales and payments, not deliveries, and opens them when it is gone', async () => {
    const guest = await house.guest();
    await buy(guest);
    await guest.say(REQUEST.replace('sky', 'sea'));
    const paidFor = await guest.hears(/^lnbcrt/);
    await reconcile();
    mischief.skewMsats = 5000n;
    expect(await reconcile()).toMatchObject({ gapMsats: -5000, drift: null });
    expect(await reconcile()).toMatchObject({ drift: expect.stringContaining('5 sats more') as string });
    await guest.say('Why is grass green, and what would happen if it were not?');
    await guest.hears(/books are being checked/);
    await guest.say(refundInvoice(2, randomBytes(32)));
    await guest.hears(/Paying 2 sats|on their way|Paying out/);
    const states = () => house.database.read.$client.prepare('SELECT state FROM payouts').all();
    pay(paidFor);
    await guest.hears(/^lnbcrt/);
    expect(states()).toEqual([{ state: 'committed' }]);

    const status = terminal();
    // No daemon holds this database: a house runs in the test's own process.
    expect(await status.run('status')).toBe(4);
    expect(status.out()).toContain('SALES AND PAYMENTS ARE STOPPED');
    mischief.skewMsats = 0n;
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    house.timmy.worker.poke();
    await guest.hears(/^Paid out/);
    // Other words: the same within one second would be the same message.
    await guest.say('And why is grass green, if it ever is?');
    await guest.hears(/^lnbcrt/);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('that the operator made ends with adopt-wallet, not while a payout is under way', async () => {
    const guest = await house.guest();
    await buy(guest);
    await reconcile();
    mischief.holdsPayments = true;
    await guest.say(refundInvoice(2, randomBytes(32)));
    await vi.waitFor(() => expect(mischief.extra).toHaveLength(1));
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    const cli = terminal();
    expect(await cli.run('ledger', 'adopt-wallet')).toBe(1);
    expect(cli.err()).toContain('under way');
  });

  it('of sats that the operator swept, or of another wallet, is booked as theirs', async () => {
    const guest = await house.guest();
    await buy(guest);
    await reconcile();
    const { $client } = house.database.read;
    $client.exec(`INSERT INTO stub_payments VALUES ('${'9'.repeat(64)}', 'lnbcrt', 100000, 'sweep', 1)`);
    await reconcile();
    expect((await reconcile())?.drift).toContain('100 sats less');
    const cli = terminal();
    expect(await cli.run('ledger', 'adopt-wallet')).toBe(0);
    expect(cli.out()).toContain('100 sats are booked as taken out by you');
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    expect(await cli.run('ledger', 'verify')).toBe(0);

    $client.exec(`UPDATE facts SET value = 'lnbits:bitcoin:w' WHERE name = 'wallet'`);
    expect(await cli.run('ledger', 'adopt-wallet')).toBe(1);
    expect(cli.err()).toContain('no LNBITS_URL is set here');
    $client.exec(`UPDATE facts SET value = 'stub:regtest:old' WHERE name = 'wallet'`);
    $client.exec(`UPDATE stub_wallet SET wallet_id = 'stub-another'`);
    expect(await cli.run('ledger', 'adopt-wallet', '--json')).toBe(0);
    expect(cli.out()).toContain('"wallet":"stub:regtest:stub-another"');
    expect(await reconcile()).toMatchObject({ drift: expect.stringContaining('Another wallet answers') as string });
  });
});

describe('by hand', () => {
  async function unpaid(guest: Guest): Promise<string> {
    await guest.say(REQUEST);
    return hashOf(await guest.hears(/^lnbcrt/));
  }

  it('a payment is credited only when the wallet has given it up, with a reason, and once', async () => {
    const guest = await house.guest();
    await reconcile();
    mischief.invoices = 'open';
    const hash = await unpaid(guest);
    await guest.say('paid');
    await guest.hears(/does not see that payment yet/);
    const cli = terminal();
    expect(await cli.run('invoices')).toBe(0);
    expect(cli.out()).toContain('Customers say that these were paid');
    expect(await cli.run('invoices', 'credit', hash)).toBe(2);
    expect(await cli.run('invoices', 'credit', hash, '--reason', 'the node shows it')).toBe(1);
    expect(cli.err()).toContain('still waits for it');
    mischief.invoices = 'lapsed';
    expect(await cli.run('invoices', 'recheck', hash.slice(0, 12))).toBe(1);
    expect(cli.err()).toContain('knows of no payment');
    expect(await cli.run('invoices', 'credit', hash, '--reason', 'the node shows it')).toBe(0);
    await guest.hears(/^lnbcrt/);
    expect(await cli.run('invoices', 'credit', hash, '--reason', 'again')).toBe(1);
    expect(await cli.run('invoices', 'show', hash, '--json')).toBe(0);
    expect(cli.out()).toContain('"reason":"the node shows it"');
    expect([books(WALLET), books(OPERATOR)]).toEqual([0n, -10_000n]);
    expect(verifyEverything(house.database.read)).toEqual([]);

    house.pay(hash);
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    expect([books(WALLET), books(OPERATOR)]).toEqual([10_000n, 0n]);
    expect(verifyEverything(house.database.read)).toEqual([]);
  });

  it('a recheck books what the wallet says now', async () => {
    const guest = await house.guest();
    mischief.invoices = 'lapsed';
    const hash = await unpaid(guest);
    house.pay(hash);
    mischief.invoices = 'honest';
    const cli = terminal();
    expect(await cli.run('invoices', 'recheck', hash, '--json')).toBe(0);
    await guest.hears(/^lnbcrt/);
    expect(await cli.run('invoices', 'recheck', 'ab'.repeat(32))).toBe(2);
  });

  it.each(['paid', 'dead'] as const)('a payout that nobody can prove is resolved as %s', async (outcome) => {
    const guest = await house.guest();
    await buy(guest);
    mischief.holdsPayments = true;
    const preimage = randomBytes(32);
    const hash = sha256Hex(preimage);
    await guest.say(refundInvoice(2, preimage));
    await vi.waitFor(() =>
      expect(house.database.read.$client.prepare('SELECT state FROM payouts').all()).toEqual([{ state: 'sent' }]),
    );
    const cli = terminal();
    expect(await cli.run('refunds', 'retry', hash)).toBe(0);
    expect(await cli.run('refunds', 'resolve', hash, outcome)).toBe(2);
    const because = ['--reason', 'seen at the node'];
    if (outcome === 'paid') {
      const wrong = randomBytes(32).toString('hex');
      expect(await cli.run('refunds', 'resolve', hash, 'paid', ...because, '--preimage', wrong)).toBe(1);
      expect(cli.err()).toContain('does not belong');
      because.push('--preimage', preimage.toString('hex'));
    }
    expect(await cli.run('refunds', 'resolve', hash, outcome, ...because)).toBe(0);
    await guest.hears(outcome === 'paid' ? /^Paid out: 2 sats/ : /could not be sent/);
    expect(await cli.run('refunds', 'resolve', hash, outcome, ...because)).toBe(1);
    expect(await cli.run('refunds', 'show', hash)).toBe(0);
    expect(cli.out()).toContain(`${outcome} (by hand)`);
    expect(await reconcile()).toMatchObject({ gapMsats: 0, drift: null });
    expect(verifyEverything(house.database.read)).toEqual([]);
    const { order_id: order } = house.database.read.$client.prepare('SELECT order_id FROM debts').get() as {
      order_id: string;
    };
    expect(await cli.run('ledger', 'show', order)).toBe(0);
    expect(cli.out()).toMatch(new RegExp(`by hand: ${outcome}, done\\. Reason: seen at the node`));
  });
});

describe('timmy verify', () => {
  it('knows good receipts from bad, and a chain with one missing', async () => {
    const guest = await house.guest();
    await buy(guest);
    await guest.say(refundInvoice(2, randomBytes(32)));
    await guest.hears(/^Paid out/);
    const chain = await vi.waitFor(() => {
      const receipts = receiptChain(house.database.read, guest.pubkey);
      expect(receipts).toHaveLength(3);
      return receipts.map(({ event, sig }) => {
        expect(sig).not.toBeNull();
        return { ...event, sig };
      });
    });
    const file = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text);
      return name;
    };
    const cli = terminal();
    const lines = chain.map((event) => JSON.stringify(event)).join('\n');
    expect(await cli.run('verify', file('one.json', JSON.stringify(chain[0])))).toBe(0);
    expect(await cli.run('verify', '--chain', file('lines.jsonl', lines))).toBe(0);
    expect(await cli.run('verify', '--chain', '--json', file('all.json', JSON.stringify(chain)))).toBe(0);
    expect(cli.out()).toMatch(
      /\{"ok":true,"receipts":3,"problems":\[\],"signers":\["npub1\w+"\],"customers":\["npub1\w+"\]/,
    );
    expect(cli.out()).toMatch(
      /"total":\{"id":"In all","paid_sats":139,"from_owed_sats":0,"charged_sats":137,"refunded_sats":2,"used_sats":0,"owed_sats":0,"held_sats":0\},"orders":\[\{"id":"J-/,
    );
    expect(cli.out()).toMatch(
      /J-\w+: 139 sats paid, 137 charged, 2 refunded, 0 still owed\.\nIn all: 139 sats paid, 137 charged/,
    );
    cli.stdin.end(lines);
    expect(await cli.run('verify', '-')).toBe(0);
    expect(await cli.run('verify', '--chain', file('shuffled.json', JSON.stringify(chain.toReversed())))).toBe(1);
    expect(await cli.run('verify', file('noted.json', JSON.stringify({ ...chain[0], note: 'paid' })))).toBe(1);
    for (const dropped of [0, 1]) {
      const rest = chain.filter((_, index) => index !== dropped);
      expect(await cli.run('verify', file('rest.json', JSON.stringify(rest)))).toBe(0);
      expect(await cli.run('verify', '--chain', 'rest.json')).toBe(1);
    }
    expect(await cli.run('verify', file('changed.json', JSON.stringify({ ...chain[0], content: '{}' })))).toBe(1);
    expect(await cli.run('verify', '--signer', encodeNpub(guest.pubkey), 'one.json')).toBe(1);
    expect(cli.err()).toContain('Somebody else signed it.');
    expect(await cli.run('verify', file('broken.jsonl', `${lines}\n{`))).toBe(1);
    expect(await cli.run('verify', file('empty.json', '[]'))).toBe(1);
    expect(await cli.run('verify', 'nowhere.json')).toBe(2);
    expect(await cli.run('verify', '--signer', 'me', 'one.json')).toBe(2);
  });
});
