import { expect } from 'vitest';
import { verifyReceipt } from '../../src/receipts/index.ts';
import { lookAtBooks } from '../builders/daemon-books.ts';
import type { Ear } from '../builders/daemon-chat.ts';
import type { Daemon } from '../builders/daemon.ts';
import { ANSWER } from '../builders/daemon-outside.ts';
import type { Purchase } from '../builders/daemon-purchase.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';

/** What the fake LNbits holds at first, msats. */
export const FUNDS = 100_000_000;

/** What was bought, as far as money goes. Sats. */
export type Paid = Pick<Purchase, 'evalSats' | 'workSats' | 'changeSats'>;

/** The books as they must stand after one purchase, to the msat: two credits, one payout, nothing on its way. */
export function booksAfter({ evalSats, workSats, changeSats }: Paid): object {
  const totalMsats = FUNDS + (evalSats + workSats - changeSats) * 1000;
  return {
    ledgerMsats: totalMsats,
    lnbitsMsats: totalMsats,
    received: [evalSats, workSats].filter((sats) => sats > 0).map((sats) => sats * 1000),
    paidOut: [changeSats * 1000],
    underWay: 0,
    violations: [],
  };
}

/** Money and receipts of one purchase are whole. The daemon may run or not. */
export function expectWhole(daemon: Daemon, lnbits: FakeLnbits, purchase: Purchase): void {
  expect(lookAtBooks(daemon, lnbits)).toEqual({ broken: [], ...booksAfter(purchase) });
  for (const line of purchase.receipts.split('\n')) {
    expect(verifyReceipt(JSON.parse(line), { signer: daemon.publicKey })).toEqual([]);
  }
}

/** A sentence, and how often it is said. */
export type Said = readonly (readonly [RegExp, number])[];

/** A purchase in words, up to the answer. */
export const SAID_IN_WORDS: Said = [
  [/ sats now for a look/, 1],
  [/^lnbc100n/, 1],
  [/ is accepted\. /, 1],
  [/^lnbc1[0-9]{3}n/, 1],
  [new RegExp(ANSWER), 1],
];
/** The answer to `receipt`: figures for people, then the receipts of the look, of the work, and of the refund. */
export const SAID_OF_RECEIPTS: Said = [
  [/: complete\./, 1],
  [/^\{"id":/, 3],
];
/** Said when a step takes longer than usual, and death makes it longer. */
const SAID_WHEN_SLOW = /^Paid\. (Looking at|Working on) /;

/** Each of these was heard so often, nothing else was, and nothing in two wraps. */
export function expectHeard({ messages, wraps }: Ear, said: Said): void {
  const heard = messages.map(({ text }) => text).filter((text) => !SAID_WHEN_SLOW.test(text));
  const counted = said.map(([what]) => [what, heard.filter((text) => what.test(text)).length]);
  expect(counted).toEqual(said);
  expect(heard).toHaveLength(said.reduce((sum, [, times]) => sum + times, 0));
  // Sealed once: what was sent again was the same wrap.
  expect(wraps.size).toBe(messages.length);
}
