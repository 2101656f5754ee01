import { expect, it } from 'vitest';
import { hash, session } from '../../test/builders/charges.ts';
import { chainOf } from '../../test/receipts/chains.ts';
import { refusalOfChain } from '../../test/receipts/second-verifier.mjs';
import { sats } from '../lib/units.ts';
import type { ReceiptPayment } from './build.ts';
import { partsOf, readChain } from './index.ts';

const topup = (n: number, debts: ReceiptPayment['debts'] = []): ReceiptPayment => ({
  purpose: 'topup',
  amountSats: sats(100),
  paymentHash: debts.length > 0 ? null : hash(1000 + n),
  debts,
});
const topups = (count: number): ReceiptPayment[] => Array.from({ length: count }, (_, n) => topup(n));

/** As a text in the rumor of a direct message, which escapes it once more. */
const bytesInRumor = (event: object): number => Buffer.byteLength(JSON.stringify(JSON.stringify(event)));

it('what fits one message is one receipt', () => {
  for (const count of [0, 1, 150]) {
    const charge = session({ payments: topups(count), balanceBeforeSats: sats(20_000) });
    expect(partsOf(charge)).toEqual([charge]);
  }
  expect(partsOf(session({ payments: [], balanceBeforeSats: null }))).toHaveLength(1);
});

it('1,200 top-ups since the last receipt: each receipt fits a message, and both verifiers find the chain whole', async () => {
  const first = session({ id: 'R-00001', payments: [topup(-1)], balanceBeforeSats: sats(100), limitSats: sats(100) });
  const many = session({
    id: 'R-00002',
    payments: topups(1200),
    spentByTokenSats: sats(119_000),
    balanceBeforeSats: sats(1000),
  });
  const parts = partsOf(many);
  expect(parts).toHaveLength(8);
  const chain = await chainOf([first, ...parts]);
  for (const event of chain) expect(bytesInRumor(event)).toBeLessThan(40_000);
  const { problems, accounts } = readChain(chain);
  expect(problems).toEqual([]);
  expect(refusalOfChain(chain)).toBeNull();
  expect(accounts).toMatchObject([{ paid: 120_100, charged: 119_000 + 100 + 128, held: 872 }]);
  // None of them can be left out.
  for (let at = 0; at < chain.length - 1; at++) expect(readChain(chain.toSpliced(at, 1)).problems).not.toEqual([]);
});

it('debts that paid for it count as payments do', () => {
  const debts = Array.from({ length: 100 }, (_, n) => ({ id: 'J-AAAAA', amountSats: sats(1), paymentHash: hash(n) }));
  const payments = [topup(1, debts), topup(2, debts), topup(3)];
  const parts = partsOf(session({ payments, balanceBeforeSats: sats(300) }));
  expect(parts.map((part) => part.payments.length)).toEqual([1, 2]);
});
