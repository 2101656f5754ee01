import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import { encodeInvoice } from '../../src/bolt11/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import type { Log } from '../../src/lib/log.ts';
import { msats } from '../../src/lib/units.ts';
import { encodeNpub } from '../../src/nostr/keys.ts';
import { reopen } from '../../src/operator/reopen.ts';
import { closures, lastReconciliation, reconcileSoon, walletTrouble } from '../../src/payments/index.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { rng } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { visit, type Visit } from './visit.ts';

/** What is wrong with the wallet just now. */
interface Ailment {
  /** Nothing works: this is what every call comes to. */
  all: OutsideError | null;
  /** No invoice is made: so every attempt ends. */
  issuing: OutsideError | null;
  /** It issues for so many sats more than asked. */
  dearerBy: number;
  /** It has another node. */
  node: Uint8Array | null;
  /** Gone from it at each look. */
  leakMsats: bigint;
  created: number;
}

let clock: HandClock;
let ailment: Ailment;
let logged: string[];
let v: Visit;
beforeEach(async () => {
  clock = createHandClock();
  ailment = { all: null, issuing: null, dearerBy: 0, node: null, leakMsats: 0n, created: 0 };
  logged = [];
  v = await open();
});
afterEach(() => v.close());

const line = (level: string) => (event: string, fields?: object) =>
  void (level === 'debug' || logged.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`));
const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };

async function open(): Promise<Visit> {
  const opened = await visit({
    clock,
    log,
    env: { TIMMY_OPERATOR_NPUBS: encodeNpub('d'.repeat(63) + '1'), LIMIT_OPEN_INVOICES: '20' },
    wallet: (database) => ailing(createStubWallet({ database, network: 'regtest', clock, rng })),
  });
  opened.house.database.write((tx) => reconcileSoon(tx, clock.now()));
  await opened.pass(2);
  return opened;
}

function ailing(wallet: Wallet): Wallet {
  let lost = 0n;
  const well = async <T>(act: () => Promise<T>): Promise<T> => {
    if (ailment.all !== null) throw ailment.all;
    return act();
  };
  return {
    ...wallet,
    contact: (signal) =>
      well(async () => {
        const contact = await wallet.contact(signal);
        lost += ailment.leakMsats;
        return { ...contact, balanceMsats: msats(contact.balanceMsats + 10_000_000n - lost) };
      }),
    changes: (offset, limit, signal) => well(() => wallet.changes(offset, limit, signal)),
    lookupInvoice: (hash, signal) => well(() => wallet.lookupInvoice(hash, signal)),
    probeNode: (signal) =>
      well(() => {
        if (ailment.issuing === null) return wallet.probeNode(signal);
        return ailment.issuing.message === 'wallet.node_down'
          ? Promise.resolve(false)
          : Promise.reject(ailment.issuing);
      }),
    createInvoice: (request, signal) =>
      well(async () => {
        ailment.created += 1;
        if (ailment.issuing !== null) throw ailment.issuing;
        if (ailment.node === null && ailment.dearerBy === 0) return wallet.createInvoice(request, signal);
        const paymentHash = sha256Hex(rng.bytes(32));
        const draft = {
          network: 'regtest',
          amountMsats: BigInt(request.amountSats + ailment.dearerBy) * 1000n,
          timestamp: clock.now(),
          expirySeconds: request.expirySeconds,
          description: request.description,
          ...{ paymentHash, paymentSecret: sha256Hex(rng.bytes(32)) },
        } as const;
        return { paymentHash, bolt11: encodeInvoice(draft, ailment.node ?? rng.bytes(32)) };
      }),
    watch: () => () => {},
  };
}

const alerts = (): string[] =>
  (
    v.house.database.read.$client
      .prepare(`SELECT what FROM told WHERE what LIKE 'alert:%' ORDER BY at, what`)
      .all() as {
      what: string;
    }[]
  ).map(({ what }) => what.replace(/^alert:/, ''));
const troubles = (): string[] => logged.filter((one) => /wallet\.(trouble|well)/.test(one));
let questions = 0;
const ask = async (): Promise<string[]> => {
  await v.guest.say(`Why is the sky blue? Explain it to a child, please. ${++questions}`);
  await v.pass(40);
  return v.news();
};
const refused = (code: string) => new OutsideError('rejected', code);
const unavailable = (code: string) => new OutsideError('unavailable', code);

describe('a wallet that is of no use', () => {
  it.each<[string, OutsideError, RegExp]>([
    ['refuses our key', refused('wallet.bad_key'), /refuses our key.*\(wallet\.bad_key\).*LNBITS_API_KEY/],
    ['cannot be reached', unavailable('wallet.unreachable'), /does not answer.*LNBITS_URL/],
    ['sends us elsewhere', unavailable('wallet.redirected'), /sends us elsewhere.*first install/],
  ])('%s: the operator is told what to do, once, and when it is over', async (_, error, words) => {
    ailment.all = error;
    await v.pass(560);
    expect(alerts()).toEqual([]);
    expect(walletTrouble(v.house.database.read)).toMatchObject({ code: error.message });
    await v.pass(3 * 3600);
    expect(alerts()).toEqual([expect.stringMatching(words)]);
    ailment.all = null;
    await v.pass(60);
    expect(walletTrouble(v.house.database.read)).toBeNull();
    expect(alerts()).toHaveLength(2);
    expect(alerts()[1]).toMatch(/^The wallet answers again\. It did not from .* UTC to .* UTC\.$/);
    expect(troubles().map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual([
      'warn wallet.trouble',
      'info wallet.well',
    ]);
  });

  it('for a moment only is nobody’s business', async () => {
    for (let n = 0; n < 10; n++) {
      ailment.all = unavailable('wallet.http_502');
      await v.pass(200);
      ailment.all = null;
      await v.pass(320);
    }
    expect(alerts()).toEqual([]);
  });

  it('because its node is away is named so, though one customer asked, once; and well again without another', async () => {
    ailment.issuing = unavailable('wallet.node_down');
    const heard = await ask();
    // No price and no name is said of what then is not there.
    expect(heard).toEqual([expect.stringMatching(/^Sorry, no invoice could be made just now, so nothing was created/)]);
    await v.pass(900);
    expect(alerts()).toEqual([
      expect.stringMatching(/makes no invoices, so its Lightning node is away.*wallet\.node_down.*restart LNbits/),
    ]);
    ailment.issuing = null;
    await v.pass(120);
    expect(alerts().at(-1)).toMatch(/^The wallet makes invoices again/);
    expect((await ask()).at(-1)).toMatch(/<invoice for/);
  });

  it('because of a limit of its own is told another thing', async () => {
    ailment.issuing = refused('wallet.invoice_refused');
    await ask();
    await v.pass(900);
    expect(alerts()).toEqual([expect.stringMatching(/refuses to make invoices.*largest balance/)]);
  });
});

describe('a wallet that is drained drop by drop', () => {
  it('stops sales after two looks, and the operator hears of it as it grows', async () => {
    ailment.leakMsats = 500n;
    await v.pass(700);
    expect(lastReconciliation(v.house.database.read)?.drift).toMatch(/sats less than the books say/);
    expect((await ask()).join()).toMatch(/I sell nothing just now/);
    await v.pass(3600);
    expect(alerts().length).toBeGreaterThan(1);
    expect(alerts().length).toBeLessThan(9);
  });
});

describe('a wallet that issues what was not asked', () => {
  const tryAgain = (newNode = false) => {
    const { database } = v.house;
    const wallet = ailing(createStubWallet({ database, network: 'regtest', clock, rng }));
    return reopen({ database, wallet, clock, newNode }, new AbortController().signal);
  };

  it('another amount: tried once more, then nothing is sold, nor asked of it, until the operator has looked', async () => {
    expect((await ask()).at(-1)).toMatch(/<invoice for/);
    ailment.dearerBy = 1;
    ailment.created = 0;
    expect((await ask()).join()).not.toMatch(/<invoice/);
    expect(ailment.created).toBe(2);
    expect(alerts()).toEqual([
      expect.stringMatching(/not what was asked \(another amount\).*timmy ledger reopen.*stopped/),
    ]);
    ailment.dearerBy = 0;
    expect((await ask()).join()).toMatch(/I sell nothing just now: my books are being checked/);
    await v.pass(4000);
    expect(ailment.created).toBe(2);
    expect(closures(v.house.database.read)).toMatchObject([{ why: 'wrong_invoice' }]);

    ailment.dearerBy = 5;
    expect(await tryAgain()).toMatchObject({
      result: 'refused',
      why: expect.stringContaining('another amount') as string,
    });
    ailment.dearerBy = 0;
    expect(await tryAgain()).toMatchObject({ result: 'open', stillClosed: [] });
    expect(await tryAgain()).toMatchObject({ result: 'refused' });
    expect((await ask()).at(-1)).toMatch(/<invoice for/);
  });

  it('another node: the operator says that it is ours, and its invoices are taken', async () => {
    expect((await ask()).at(-1)).toMatch(/<invoice for/);
    ailment.node = new Uint8Array(32).fill(5);
    expect((await ask()).join()).not.toMatch(/<invoice/);
    expect(alerts()).toEqual([
      expect.stringMatching(/pays the node 0[23].* ours was 0[23].*timmy ledger reopen --new-node/),
    ]);
    expect(await tryAgain()).toMatchObject({ result: 'refused', why: expect.stringContaining('--new-node') as string });
    const opened = await tryAgain(true);
    expect(opened).toMatchObject({ result: 'open', stillClosed: [] });
    if (opened.result === 'open') expect(opened.node).not.toBe(opened.nodeBefore);
    expect((await ask()).at(-1)).toMatch(/<invoice for/);
  });
});
