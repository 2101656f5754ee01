import type { EventTemplate, NostrEvent } from '../../src/nostr/event.ts';
import type { Signer } from '../../src/nostr/signer.ts';
import { sats, unixSeconds } from '../../src/lib/units.ts';
import { buildChargeReceipt, buildRefundReceipt } from '../../src/receipts/index.ts';
import type { Charge, PaidRefund, ReceiptPlace, ReceiptPayment } from '../../src/receipts/index.ts';
import {
  accepted,
  bootstrap,
  EVAL,
  hash,
  job,
  later,
  NEXT_TERM,
  place,
  session,
  sessionEnd,
  TARIFF,
  timmy,
  WORK,
} from '../builders/charges.ts';

/** Chains of receipts, each true by itself: which of them hold together, and which do not. */

export type Link = Charge | PaidRefund | ((place: ReceiptPlace) => EventTemplate);

const template = (link: Link, at: ReceiptPlace): EventTemplate => {
  if (typeof link === 'function') return link(at);
  return 'product' in link ? buildChargeReceipt(link, at) : buildRefundReceipt(link, at);
};

/** These, each following the one before it. */
export async function chainOf(links: readonly Link[], signer: Signer = timmy): Promise<NostrEvent[]> {
  const chain: NostrEvent[] = [];
  for (const link of links) chain.push(await signer.sign(template(link, place(chain.at(-1)?.id ?? null))));
  return chain;
}

export const refund = (amount = 1, id = 'J-4KQ7M', n = 9, late: string | null = null): PaidRefund => ({
  amountSats: sats(amount),
  debts: [{ id, amountSats: sats(amount), paymentHash: late }],
  paymentHash: hash(n),
  preimage: null,
});
const paid = (purpose: ReceiptPayment['purpose'], amount: number, n: number): ReceiptPayment => ({
  purpose,
  amountSats: sats(amount),
  paymentHash: hash(n),
});
/** Out of what `id` owed. */
const kept = (purpose: ReceiptPayment['purpose'], amount: number, id: string): ReceiptPayment => ({
  purpose,
  amountSats: sats(amount),
  paymentHash: null,
  debts: [{ id, amountSats: sats(amount), paymentHash: null }],
});
/** The next request of the session, at this balance. */
const next = (before: number, changes: Parameters<typeof session>[0] = {}) =>
  session({ id: 'R-00002', payments: [], balanceBeforeSats: sats(before), limitSats: sats(before), ...changes });

/** Bitcoin fell: the same request is quoted at 181. 0.102986 × … see below. */
const DEARER = { ...TARIFF, btcPriceUsd: '71000' };
const dear = { tariff: DEARER, quote: { inputTokens: 62, outputTokens: 200, amountSats: sats(182) } } as const;
const requoted = later({ outcome: 'requoted', payments: [], items: [], ...dear });
const dearWork = later({ ...dear, payments: [paid('work', 182, 2)] });

/** The next term of the node that `bootstrap('complete')` charges. */
const renewed = (changes: Parameters<typeof bootstrap>[1] = {}): Charge =>
  bootstrap('renewed', { payments: [paid('bootstrap', 10_000, 22)], ...changes });

export const GOOD: readonly Link[] = [
  accepted(),
  later(),
  refund(),
  session(),
  bootstrap('failed'),
  // It came late, and belongs to no charge.
  refund(10, 'J-4KQ7M', 10, hash(20)),
  next(372),
  bootstrap('complete', { id: 'B-00002', payments: [paid('bootstrap', 10_000, 21)] }),
];

/** Declined, and paid in one: 129 are owed back. */
function declinedInOne(): Charge {
  return job({ outcome: 'rejected', items: [EVAL] });
}

const declined = job({ outcome: 'rejected', quote: null, payments: accepted().payments, items: [EVAL] });

/** What an operator could sign, and the words in which it is refused. */
export const REFUSED: readonly (readonly [string, readonly Link[], string])[] = [
  ['an order charged again', [accepted(), later(), job()], 'J-4KQ7M has an earlier receipt (complete)'],
  ['a look charged again', [accepted(), accepted()], 'J-4KQ7M has an earlier receipt (accepted)'],
  ['an order that ends twice', [declined, later()], '(accepted or requoted): it is rejected'],
  ['work that ends twice', [accepted(), later(), later()], '(accepted or requoted): it is complete'],
  ['work without its look', [later()], '(accepted or requoted): there is none'],
  ['quoted anew twice', [accepted(), requoted, requoted], '(accepted): it is requoted'],
  [
    'work settled under a tariff that nobody was told, at the same price: two sats of change vanish',
    [accepted(), later({ tariff: { ...TARIFF, work: { ...TARIFF.work, cacheReadRate: '0.009' } } })],
    'It is not settled under what the earlier receipt of J-4KQ7M says',
  ],
  ['work settled under a dearer quote', [accepted(), dearWork], 'It is not settled under what the earlier receipt'],
  [
    'work settled under the quote before the last',
    [accepted(), requoted, later()],
    'It is not settled under what the earlier receipt',
  ],
  ['a node charged again', [bootstrap('failed'), bootstrap('complete')], 'B-00001 has an earlier receipt'],
  ['a node that ended, charged again', [bootstrap('complete'), bootstrap('ended_early')], 'B-00001 has an earlier'],
  [
    'a node that ended, and was never charged',
    [bootstrap('ended_early', { payments: [] })],
    'No such term stands in an earlier receipt of B-00001',
  ],
  [
    'a node that ended before another term than was sold',
    [
      bootstrap('complete'),
      bootstrap('ended_early', {
        payments: [],
        term: {
          from: unixSeconds(1_800_000_000),
          until: unixSeconds(1_801_000_000),
          endedAt: unixSeconds(1_800_900_000),
        },
      }),
    ],
    'No such term stands in an earlier receipt of B-00001',
  ],
  ['a node renewed that was never charged', [bootstrap('renewed')], 'nothing can be renewed'],
  [
    'a term that begins before the last one ends',
    [bootstrap('complete'), renewed({ term: { ...NEXT_TERM, from: unixSeconds(NEXT_TERM.from - 1) } })],
    'begins before the last one of B-00001 ends',
  ],
  [
    'a term that ended early twice',
    [bootstrap('complete'), bootstrap('ended_early', { payments: [] }), bootstrap('ended_early', { payments: [] })],
    'or it ended already',
  ],
  [
    'a node renewed after its term had ended early',
    [bootstrap('complete'), bootstrap('ended_early', { payments: [] }), renewed()],
    'nothing can be renewed',
  ],
  ['a request charged again', [session(), next(372, { id: 'R-00001' })], 'R-00001 has an earlier receipt'],
  [
    'one payment counted for two orders',
    [job(), job({ id: 'J-9ZT2C' })],
    'A payment of it stands in an earlier receipt',
  ],
  ['one payment claimed as two refunds', [declinedInOne(), refund(60), refund(60)], 'one payment, claimed twice'],
  ['a payment by the customer as a refund to them', [job(), refund(1, 'J-4KQ7M', 5)], 'a payment by the customer'],
  [
    'a late payment by the customer as the refund of itself',
    [refund(10, 'J-4KQ7M', 9, hash(9))],
    'a payment by the customer',
  ],
  [
    'a refund to them as their payment',
    [refund(10, 'J-9ZT2C', 5, hash(20)), job()],
    'one that was made to the customer',
  ],
  [
    'a refund of what nobody owes',
    [refund()],
    'It takes 1 sats that J-4KQ7M owes; by the receipts before it, it owes 0',
  ],
  ['a refund of more than is owed', [job(), refund(2)], 'it owes 1'],
  ['a refund of another order', [job(), refund(1, 'J-9ZT2C')], 'It takes 1 sats that J-9ZT2C owes'],
  ['a refund again', [job(), refund(), refund(1, 'J-4KQ7M', 10)], 'it owes 0'],
  [
    'a payment out of what nobody owes, in the first receipt',
    [job({ payments: [kept('order', 139, 'J-9ZT2C')] })],
    'It takes 139 sats that J-9ZT2C owes',
  ],
  ['a balance that shrank between two requests', [session(), next(371)], 'should have held 372 sats'],
  ['a balance that grew from nothing', [session(), next(373)], 'S-AAAAA should have held 372 sats before it'],
  ['a first balance raised from nothing', [session({ balanceBeforeSats: sats(501) })], 'should have held 500 sats'],
  [
    'a top-up that came to nothing',
    [session(), next(372, { payments: [paid('topup', 100, 8)] })],
    'should have held 472 sats',
  ],
  [
    'a rest that is refunded and still in the session',
    [session(), sessionEnd(), refund(372, 'S-AAAAA'), next(372)],
    'should have held 0 sats',
  ],
  ['a rest refunded before the end', [session(), refund(372, 'S-AAAAA')], 'S-AAAAA owes; by the receipts before it'],
  [
    "a request of one's own as one by token",
    [session(), next(0, { balanceBeforeSats: null })],
    "S-AAAAA is another's session here",
  ],
  ['an id of two kinds', [session(), job({ id: 'S-AAAAA' })], 'S-AAAAA is a job here, and a session'],
];

/** What is right, and what it comes to. */
export const HOLDING: readonly (readonly [string, readonly Link[], string])[] = [
  [
    'work that failed after the look',
    [accepted(), later({ outcome: 'work_failed', items: [] }), refund(129)],
    'J-4KQ7M 139 paid 10 charged 129 refunded',
  ],
  // 0.102986 × 1.25 = 0.1287325; ÷ 71,000 × 10^8 = 181.3 → 182. Work: 0.1274675 → 179.53 → 180
  [
    'work paid at another price',
    [accepted(), requoted, dearWork, refund(2)],
    'J-4KQ7M 192 paid 190 charged 2 refunded',
  ],
  [
    'a session paid out and filled again',
    [
      session(),
      sessionEnd(),
      refund(372, 'S-AAAAA'),
      next(200, { payments: [paid('topup', 200, 8)] }),
      sessionEnd({ balanceBeforeSats: sats(72), returnedSats: sats(72) }),
    ],
    'S-AAAAA 700 paid 256 charged 372 refunded 72 owed',
  ],
  [
    "a session opened with another's rest",
    [session(), sessionEnd(), next(372, { session: 'S-BBBBB', payments: [kept('deposit', 372, 'S-AAAAA')] })],
    'S-AAAAA 500 paid 128 charged 372 used, S-BBBBB 372 fromOwed 128 charged 244 held',
  ],
  [
    'a session that ended while a request ran, 150 set aside for it',
    [
      sessionEnd({ payments: session().payments, balanceBeforeSats: sats(500), returnedSats: sats(350) }),
      refund(350, 'S-AAAAA'),
      next(150, { returnedSats: sats(22) }),
      refund(22, 'S-AAAAA', 10),
    ],
    'S-AAAAA 500 paid 128 charged 372 refunded',
  ],
  [
    'a session whose token was used meanwhile',
    [session(), next(322, { spentByTokenSats: sats(50) })],
    'S-AAAAA 500 paid 306 charged 194 held',
  ],
  ["a request by another's token", [session({ payments: [], balanceBeforeSats: null })], ''],
  [
    'one debt, refunded in two',
    [declinedInOne(), refund(100), refund(29, 'J-4KQ7M', 10)],
    'J-4KQ7M 139 paid 10 charged 129 refunded',
  ],
  [
    'a node that ended early',
    [bootstrap('complete'), bootstrap('ended_early', { payments: [] }), refund(6000, 'B-00001')],
    'B-00001 10000 paid 3334 charged 6000 refunded 666 owed',
  ],
  [
    'a node that was renewed and ended in its first term: of the second nothing was used',
    [
      bootstrap('complete'),
      renewed(),
      bootstrap('ended_early', { payments: [] }),
      bootstrap('ended_early', { payments: [], term: { ...NEXT_TERM, endedAt: NEXT_TERM.from } }),
    ],
    'B-00001 20000 paid 3334 charged 16666 owed',
  ],
  [
    'work whose tokens cost nothing',
    [job({ items: [EVAL, { ...WORK, outputTokens: 0 }] })],
    'J-4KQ7M 139 paid 136 charged 3 owed',
  ],
];
