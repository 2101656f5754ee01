import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkIssued, decodeInvoice, encodeInvoice, type Invoice } from '../../src/bolt11/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { OutsideError } from '../../src/lib/errors.ts';
import { sats, unixSeconds } from '../../src/lib/units.ts';
import type { InvoiceRequest, Network, Wallet } from '../../src/ports/wallet.ts';

/** One wallet under test, and the world around it. */
export interface OpenedWallet {
  readonly wallet: Wallet;
  readonly network: Network;
  /** Somebody else pays an invoice of the wallet's. */
  payInvoice(bolt11: string): Promise<void>;
  /** An invoice of somebody else that can be paid. */
  foreignInvoice(amountSats: number): Promise<string>;
  close(): Promise<void>;
}

/** The machine's own clock. */
export const machineClock: Clock = {
  now: () => unixSeconds(Math.floor(Date.now() / 1000)),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

export const machineRng = { bytes: (length: number): Uint8Array => randomBytes(length) };

/** What every wallet must do, whichever it is: the adapter on the fakes and on a real LNbits, and the stub. */
export function walletContract(name: string, open: () => Promise<OpenedWallet>): void {
  describe(`a wallet: ${name}`, () => {
    let opened: OpenedWallet;
    let wallet: Wallet;
    const signal = (): AbortSignal => AbortSignal.timeout(90_000);
    const order = (change: Partial<InvoiceRequest> = {}): InvoiceRequest => ({
      amountSats: sats(21),
      description: 'Timmy J-4KQ7M look',
      expirySeconds: 3600,
      intentId: `intent-${randomBytes(6).toString('hex')}`,
      ...change,
    });
    const read = (bolt11: string): Invoice => {
      const invoice = decodeInvoice(bolt11);
      if ('invalid' in invoice) throw new Error(invoice.invalid);
      return invoice;
    };
    const balance = async (): Promise<bigint> => (await wallet.contact(signal())).balanceMsats;

    beforeAll(async () => {
      opened = await open();
      wallet = opened.wallet;
      await wallet.contact(signal());
    }, 180_000);
    afterAll(() => opened.close());

    test('says who it is, always the same, and may pay', async () => {
      const first = await wallet.contact(signal());
      const second = await wallet.contact(signal());
      expect(first.walletId).not.toBe('');
      expect(second.walletId).toBe(first.walletId);
      expect(wallet.canPay).toBe(true);
      expect(wallet.network).toBe(opened.network);
      expect(await wallet.probeNode(signal())).toBe(true);
    });

    test('issues exactly the invoice it was asked for, each time another', async () => {
      const request = order();
      const { bolt11, paymentHash } = await wallet.createInvoice(request, signal());
      const verdict = checkIssued(bolt11, {
        amountMsats: 21_000n,
        network: opened.network,
        paymentHash,
        expirySeconds: 3600,
        now: machineClock.now(),
        payee: null,
      });
      expect(verdict).toMatchObject({ invoice: { description: request.description } });
      const again = await wallet.createInvoice(request, signal());
      expect(again.paymentHash).not.toBe(paymentHash);
      expect(read(again.bolt11).payee).toBe(read(bolt11).payee);
    });

    test('an invoice is open until it is paid, and then paid in full with its preimage', async () => {
      const before = await balance();
      const { bolt11, paymentHash } = await wallet.createInvoice(order(), signal());
      expect(await wallet.lookupInvoice(paymentHash, signal())).toEqual({ state: 'open' });
      await opened.payInvoice(bolt11);
      const status = await wallet.lookupInvoice(paymentHash, signal());
      expect(status).toMatchObject({ state: 'paid', amountMsats: 21_000n });
      if (status.state === 'paid' && status.preimage !== null) {
        expect(createHash('sha256').update(Buffer.from(status.preimage, 'hex')).digest('hex')).toBe(paymentHash);
      }
      expect(await balance()).toBe(before + 21_000n);
    });

    test('wakes a watcher when money comes', async () => {
      let wake = (): void => {};
      const woken = new Promise<true>((resolve) => (wake = () => resolve(true)));
      const pause = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms));
      const hints: (string | null)[] = [];
      const hashes: string[] = [];
      const stop = wallet.watch((hash) => {
        hints.push(hash);
        wake();
      });
      // A watcher begins to listen when it pleases, and nothing is replayed: give it more than one chance.
      for (let i = 0; i < 20 && hints.length === 0; i++) {
        const { bolt11, paymentHash } = await wallet.createInvoice(order(), signal());
        hashes.push(paymentHash);
        await Promise.race([woken, pause(50)]);
        await opened.payInvoice(bolt11);
        await Promise.race([woken, pause(1_500)]);
      }
      stop();
      expect([null, ...hashes]).toContain(hints[0]);
    }, 40_000);

    test('knows nothing of hashes it never saw, in neither direction', async () => {
      const hash = randomBytes(32).toString('hex');
      expect(await wallet.lookupInvoice(hash, signal())).toEqual({ state: 'absent' });
      expect(await wallet.lookupPayment(hash, signal())).toEqual({ state: 'absent' });
      const { paymentHash } = await wallet.createInvoice(order(), signal());
      expect(await wallet.lookupPayment(paymentHash, signal())).toEqual({ state: 'absent' });
    });

    test('pays once, however often it is asked, and tells what became of it', async () => {
      const bolt11 = await opened.foreignInvoice(33);
      const { paymentHash } = read(bolt11);
      const before = await balance();
      expect(await wallet.lookupPayment(paymentHash, signal())).toEqual({ state: 'absent' });
      expect(await wallet.pay(bolt11, 'R-AAAAA', signal())).toEqual({ answer: 'accepted' });
      const paid = await wallet.lookupPayment(paymentHash, signal());
      expect(paid.state).toBe('paid');
      if (paid.state !== 'paid') return;
      if (paid.preimage !== null) {
        expect(createHash('sha256').update(Buffer.from(paid.preimage, 'hex')).digest('hex')).toBe(paymentHash);
      }
      expect(await balance()).toBe(before - 33_000n - paid.feeMsats);
      await wallet.pay(bolt11, 'R-AAAAA', signal());
      expect(await wallet.lookupPayment(paymentHash, signal())).toEqual(paid);
      expect(await balance()).toBe(before - 33_000n - paid.feeMsats);
      expect(await wallet.probeFailure(bolt11, paymentHash, signal())).toBe('paid');
    });

    test('refuses to pay what cannot be paid, and nothing leaves', async () => {
      const before = await balance();
      const key = randomBytes(32);
      const invoice = (amountMsats: bigint | null): string =>
        encodeInvoice(
          {
            network: opened.network,
            amountMsats,
            timestamp: machineClock.now(),
            expirySeconds: 3600,
            paymentHash: randomBytes(32).toString('hex'),
            paymentSecret: randomBytes(32).toString('hex'),
          },
          key,
        );
      const huge = invoice(9_000_000_000n);
      expect(await wallet.pay('lnbc1nonsense', 'R-BBBBB', signal())).toEqual({ answer: 'refused', why: 'invalid' });
      expect(await wallet.pay(invoice(null), 'R-BBBBB', signal())).toEqual({ answer: 'refused', why: 'invalid' });
      expect(await wallet.pay(huge, 'R-BBBBB', signal())).toEqual({ answer: 'refused', why: 'insufficient' });
      expect(await wallet.lookupPayment(read(huge).paymentHash, signal())).toEqual({ state: 'absent' });
      expect(await wallet.probeFailure(huge, read(huge).paymentHash, signal())).toBe('unproven');
      expect(await balance()).toBe(before);
    });

    test('shows what changed last first, with our labels and the sign of their direction', async () => {
      const asked = order();
      const incoming = await wallet.createInvoice(asked, signal());
      const bolt11 = await opened.foreignInvoice(5);
      await wallet.pay(bolt11, 'R-CCCCC,R-DDDDD', signal());
      const { rows } = await wallet.changes(0, 50, signal());
      expect(rows.find((row) => row.paymentHash === incoming.paymentHash)).toMatchObject({
        direction: 'in',
        state: 'open',
        amountMsats: 21_000n,
        label: asked.intentId,
      });
      expect(rows.find((row) => row.paymentHash === read(bolt11).paymentHash)).toMatchObject({
        direction: 'out',
        state: 'paid',
        amountMsats: 5_000n,
        label: 'R-CCCCC,R-DDDDD',
      });
      const times = rows.map((row) => row.changedAt);
      expect(times).toEqual([...times].sort((a, b) => b - a));
      const [first, second] = [await wallet.changes(0, 1, signal()), await wallet.changes(1, 1, signal())];
      expect([first.rows.length, second.rows.length, first.isLast]).toEqual([1, 1, false]);
      expect(first.rows).not.toEqual(second.rows);
      expect(await wallet.changes(100_000, 10, signal())).toEqual({ rows: [], isLast: true });
      const hash = read(bolt11).paymentHash;
      expect((await wallet.rowsOf(hash, signal())).map((row) => row.direction)).toEqual(['out']);
      expect(await wallet.rowsOf('ab'.repeat(32), signal())).toEqual([]);
    });

    test('shows an old invoice that is paid above newer ones that are not', async () => {
      const [old, newer] = [
        await wallet.createInvoice(order(), signal()),
        await wallet.createInvoice(order(), signal()),
      ];
      await opened.payInvoice(old.bolt11);
      await expect
        .poll(async () => (await wallet.lookupInvoice(old.paymentHash, signal())).state, { timeout: 10_000 })
        .toBe('paid');
      const { rows } = await wallet.changes(0, 50, signal());
      const shown = rows.filter((row) => [old.paymentHash, newer.paymentHash].includes(row.paymentHash));
      expect(shown.map((row) => [row.paymentHash, row.direction, row.state])).toEqual([
        [old.paymentHash, 'in', 'paid'],
        [newer.paymentHash, 'in', 'open'],
      ]);
    });

    test('a call that was given up before it left did nothing', async () => {
      const outcome = wallet.contact(AbortSignal.abort()).then(
        () => 'unavailable',
        (error: OutsideError) => error.fault,
      );
      expect(await outcome).toBe('unavailable');
    });
  });
}
