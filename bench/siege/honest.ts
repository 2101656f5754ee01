import type { FakeLnbits } from '../../test/fakes/lnbits/index.ts';
import { openCustomer, type Customer } from '../../test/builders/daemon-customer.ts';

/** What honest customers waited for, each in milliseconds, as they saw it: from their own sending to their own reading. */
export interface Waits {
  /** A message → the first word back. */
  readonly answer: number[];
  /** A message → an invoice to pay. */
  readonly invoice: number[];
  /** An invoice paid → Timmy says that it was seen. */
  readonly seen: number[];
  /** An invoice of their own sent for the change → paid out. */
  readonly change: number[];
  /** Purchases that did not end within patience, in words. */
  readonly lost: string[];
}

export interface Crowd {
  readonly relays: readonly string[];
  readonly timmy: string;
  readonly lnbits: FakeLnbits;
}

const CUSTOMERS = 20;
/** One after the other, so that LNbits' two creates a second are not what is measured. */
const EVERY_MS = 2500;
const PATIENCE_MS = 60_000;

/** Twenty people, each with one whole purchase, begun two and a half seconds apart. */
export async function twentyPurchases(crowd: Crowd): Promise<Waits> {
  const waits: Waits = { answer: [], invoice: [], seen: [], change: [], lost: [] };
  await Promise.all(
    Array.from({ length: CUSTOMERS }, async (_, n) => {
      await pause(n * EVERY_MS);
      const customer = await openCustomer(crowd.relays, crowd.timmy, { patienceMs: PATIENCE_MS });
      try {
        await buy(customer, crowd.lnbits, n, waits);
      } catch (error) {
        waits.lost.push(`customer ${n}: ${error instanceof Error ? error.message : String(error)}`);
      } finally {
        await customer.close();
      }
    }),
  );
  return waits;
}

async function buy(customer: Customer, lnbits: FakeLnbits, n: number, waits: Waits): Promise<void> {
  const { ear } = customer;
  await timed(waits.answer, async () => {
    await customer.say('status');
    await ear.takeText(/./);
  });
  const look = await timed(waits.invoice, async () => {
    await customer.say(`job Question ${n}: why is the sky blue? One sentence, please.`);
    return (await ear.takeText(/^lnbc\w+$/))[0];
  });
  /** Pays, and resolves to the first word on it. */
  const seen = (bolt11: string): Promise<string> =>
    timed(waits.seen, async () => {
      if (!lnbits.payInvoice(bolt11)) throw new Error('an invoice that cannot be paid');
      return (await ear.takeText(/^Paid[^]*/))[0];
    });
  await seen(look);
  const word = await seen((await ear.takeText(/^lnbc\w+$/))[0]);
  // The answer came at once, or follows.
  const bill = /(\d+) yours/;
  const [, change = '0'] = bill.exec(word) ?? (await ear.takeText(bill));
  await timed(waits.change, async () => {
    await customer.say(lnbits.receiveInvoice(Number(change) * 1000));
    await ear.takeText(/^Paid out/);
  });
}

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  into.push(performance.now() - began);
  return result;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
