import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createScriptedWallet } from '../../test/fakes/scripted-wallet.ts';
import { meet } from '../customers/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import { silentLog } from '../lib/log.ts';
import { msats, sats, toMsats, unixSeconds } from '../lib/units.ts';
import type { Wallet, WalletRow } from '../ports/wallet.ts';
import {
  buryPayout,
  debtsOf,
  commitPayout,
  keepIssued,
  lastReconciliation,
  markSent,
  oweUnclaimed,
  reconcileTask,
  setPayout,
  settle,
  settlePayout,
} from './index.ts';
import { wantInvoice } from './want-invoice.ts';

const OWNER = 'ab'.repeat(32);
const OPENING = 10_000_000n;
const signal = new AbortController().signal;
const ORDER = { kind: 'job', id: 'J-4KQ7M' };
const reserveOf = (amount: bigint): bigint => (amount / 100n > 2000n ? amount / 100n : 2000n);

/** Where a payout of the model stands: at us, and in the wallet. */
interface Payment {
  readonly hash: string;
  readonly amount: bigint;
  books: 'committed' | 'posting' | 'sent' | 'ended';
  wallet: 'none' | 'open' | 'paid' | 'failed';
  fee: bigint;
}

/** Timmy's payments and a wallet with books of its own, between which money moves step by step. */
function createModel() {
  const database = freshDatabase();
  const clock = createHandClock();
  const payments: Payment[] = [];
  const incoming: { hash: string; id: number; amount: bigint; wallet: boolean; books: boolean }[] = [];
  const rows = new Map<string, WalletRow>();
  const alerts: string[] = [];
  let holds = OPENING;
  let leaks = 0n;
  let serial = 0;
  /** What happens while the wallet is asked for the n-th time in this reading. */
  let meanwhile: (() => void)[] = [];
  const now = () => clock.now();
  const show = (
    hash: string,
    direction: 'in' | 'out',
    state: WalletRow['state'],
    amount: bigint,
    fee: bigint,
  ): void => {
    const row = { paymentHash: hash, direction, state, amountMsats: msats(amount), feeMsats: msats(fee) } as const;
    rows.set(hash, { ...row, createdAt: now(), changedAt: now(), label: null });
  };
  const first = (books: Payment['books'], wallet?: Payment['wallet']): Payment | undefined =>
    payments.find((payment) => payment.books === books && (wallet === undefined || payment.wallet === wallet));

  /** Everything that moves money, in its smallest steps; each does nothing where there is nothing to do. */
  const steps: readonly (() => void)[] = [
    function issue() {
      const [hash, amountSats] = [sha256Hex(`in ${++serial}`), sats(10 + serial)];
      const wanted = { order: ORDER, owner: OWNER, purpose: 'eval', description: 'x', expirySeconds: 3600 };
      const id = database.write((tx) => {
        const made = wantInvoice(tx, { ...wanted, amountSats, mayFail: true, replyTo: null, opens: true }, now());
        keepIssued(tx, made, { bolt11: 'x', paymentHash: hash, expiresAt: unixSeconds(now() + 3600) }, now());
        return made;
      });
      incoming.push({ hash, id, amount: toMsats(amountSats), wallet: false, books: false });
    },
    function isPaid() {
      const invoice = incoming.find(({ wallet }) => !wallet);
      if (invoice === undefined) return;
      invoice.wallet = true;
      holds += invoice.amount;
      show(invoice.hash, 'in', 'paid', invoice.amount, 0n);
    },
    function see() {
      const invoice = incoming.find(({ wallet, books }) => wallet && !books);
      if (invoice === undefined) return;
      invoice.books = true;
      database.write((tx) => settle(tx, invoice.id, msats(invoice.amount), now()));
    },
    function commit() {
      const [hash, amount] = [sha256Hex(`out ${++serial}`), msats(BigInt(1000 + serial) * 1000n)];
      database.write((tx) => {
        const debt = { order: { kind: 'job', id: `J-${serial}` }, owner: OWNER, amountMsats: amount };
        oweUnclaimed(tx, { ...debt, because: 'overpaid', cause: hash, paymentHash: sha256Hex(`for ${hash}`) }, now());
        const debts = debtsOf(tx, `J-${serial}`);
        const at = { invoiceExpiresAt: unixSeconds(now() + 9000), destination: null, replyTo: null };
        commitPayout(tx, { paymentHash: hash, bolt11: 'x', owner: OWNER, amountMsats: amount, debts, ...at }, now());
      });
      // The debt came out of money that came in just so.
      holds += amount;
      show(sha256Hex(`for ${hash}`), 'in', 'failed', amount, 0n);
      payments.push({ hash, amount, books: 'committed', wallet: 'none', fee: BigInt(serial % 7) * 100n });
    },
    function aboutToPost() {
      const payment = first('committed');
      if (payment === undefined) return;
      payment.books = 'posting';
      database.write((tx) => setPayout(tx, payment.hash, { sentAt: now() }));
    },
    function isTaken() {
      const payment = first('posting', 'none') ?? first('sent', 'none');
      if (payment === undefined) return;
      payment.wallet = 'open';
      holds -= payment.amount + reserveOf(payment.amount);
      show(payment.hash, 'out', 'open', payment.amount, reserveOf(payment.amount));
    },
    function posted() {
      const payment = first('posting', 'open') ?? first('posting', 'paid') ?? first('posting', 'failed');
      if (payment === undefined) return;
      payment.books = 'sent';
      database.write((tx) => markSent(tx, payment.hash, now()));
    },
    function succeeds() {
      const payment = payments.find(({ wallet }) => wallet === 'open');
      if (payment === undefined) return;
      payment.wallet = 'paid';
      holds += reserveOf(payment.amount) - payment.fee;
      show(payment.hash, 'out', 'paid', payment.amount, payment.fee);
    },
    function fails() {
      const payment = payments.find(({ wallet }) => wallet === 'open');
      if (payment === undefined) return;
      payment.wallet = 'failed';
      holds += payment.amount + reserveOf(payment.amount);
      show(payment.hash, 'out', 'failed', payment.amount, reserveOf(payment.amount));
    },
    function isBooked() {
      const payment = first('sent', 'paid');
      if (payment === undefined) return;
      payment.books = 'ended';
      const proof = { feeMsats: msats(payment.fee), preimage: null };
      database.write((tx) => settlePayout(tx, payment.hash, proof, now()));
    },
    function isBuried() {
      const payment = first('sent', 'failed');
      if (payment === undefined) return;
      payment.books = 'ended';
      database.write((tx) => buryPayout(tx, payment.hash, 'failed', now()));
    },
  ];

  const asked = (): void => meanwhile.shift()?.();
  const wallet: Wallet = {
    ...createScriptedWallet(clock, 0n),
    contact: async () => {
      const balanceMsats = msats(holds - leaks);
      asked();
      return { walletId: 'w', version: null, balanceMsats };
    },
    changes: async (offset, limit) => {
      const all = [...rows.values()].sort((a, b) => b.changedAt - a.changedAt);
      const page = { rows: all.slice(offset, offset + limit), isLast: all.length < offset + limit };
      asked();
      return page;
    },
    rowsOf: async (hash) => {
      const row = rows.get(hash);
      asked();
      return row === undefined ? [] : [row];
    },
  };
  const alert = (_tx: unknown, what: string): void => void alerts.push(what);
  const task = reconcileTask({ database, clock, log: silentLog, wallet, alert });
  database.write((tx) => meet(tx, OWNER, 'nip17', null, now()));
  return {
    database,
    alerts,
    step: (n: number) => steps[n % steps.length]?.(),
    leak: (amount: bigint) => (leaks += amount),
    /** One comparison; `steps` happen between its questions. */
    reconcile: async (between: readonly (readonly number[])[] = []) => {
      clock.advance(15_000);
      meanwhile = between.map((these) => () => these.forEach((n) => steps[n % steps.length]?.()));
      const about = { id: 1, kind: task.kind, payload: {}, attempt: 1, tries: 1, createdAt: now() };
      const commit = await task.run(about, signal);
      database.write(commit);
      return lastReconciliation(database.read);
    },
    close: () => database.close(),
  };
}

const aFewSteps = fc.array(fc.nat(10), { maxLength: 6 });
const readings = fc.array(fc.tuple(aFewSteps, fc.array(aFewSteps, { maxLength: 6 })), { minLength: 1, maxLength: 12 });

/** An invoice that is paid and seen, and a payout that the wallet has taken. */
const ONE_SENT = [0, 1, 2, 3, 4, 5, 6];

describe('a comparison with the wallet', () => {
  it('finds no gap where there is none, whatever moves between its questions', async () => {
    await fc.assert(
      fc.asyncProperty(readings, async (script) => {
        const model = createModel();
        try {
          for (const n of ONE_SENT) model.step(n);
          await model.reconcile();
          for (const [before, between] of script) {
            for (const n of before) model.step(n);
            expect(await model.reconcile(between)).toMatchObject({ gapMsats: 0, drift: null });
          }
          expect(model.alerts).toEqual([]);
        } finally {
          model.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('finds a leak out as soon as the business is quiet twice, however slow and unsteady', async () => {
    const leak = fc.bigInt(1n, 3000n);
    await fc.assert(
      fc.asyncProperty(readings, leak, leak, async (script, one, other) => {
        const model = createModel();
        try {
          await model.reconcile();
          for (const [before, between] of script) {
            for (const n of before) model.step(n);
            await model.reconcile(between);
          }
          // Payments that are on their way end first: what they may hold hides as much.
          for (let turn = 0; turn < 60; turn++) for (const n of [2, 4, 5, 6, 7, 9, 10]) model.step(n);
          await model.reconcile();
          expect(model.alerts).toEqual([]);
          model.leak(one);
          await model.reconcile();
          model.leak(other);
          const { gapMsats, drift } = (await model.reconcile()) ?? {};
          expect({ gapMsats, isDrift: typeof drift === 'string' }).toEqual({
            gapMsats: Number(one + other),
            isDrift: true,
          });
          model.leak(0n - one - other);
          expect(await model.reconcile()).toMatchObject({ gapMsats: 0, drift: null });
        } finally {
          model.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('tells of a drift that grows when it is there, and when it has doubled, not at every reading', async () => {
    const model = createModel();
    await model.reconcile();
    for (let n = 0; n < 64; n++) {
      model.leak(1000n);
      await model.reconcile();
    }
    expect(model.alerts).toHaveLength(6);
    expect(model.alerts[0]).toContain('holds 1 sats less');
    model.close();
  });
});
