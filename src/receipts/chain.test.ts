import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootstrap, evalOnly, EVAL, hash, job, place, session, stranger, timmy } from '../../test/builders/charges.ts';
import { sats, unixSeconds } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import { buildChargeReceipt, buildRefundReceipt, verifyChain, verifyReceipt } from './index.ts';
import type { Charge, PaidRefund, ReceiptPlace, ReceiptPayment } from './index.ts';

type Link = Charge | PaidRefund | ((place: ReceiptPlace) => EventTemplate);

const template = (link: Link, at: ReceiptPlace): EventTemplate => {
  if (typeof link === 'function') return link(at);
  return 'product' in link ? buildChargeReceipt(link, at) : buildRefundReceipt(link, at);
};

/** These, each following the one before it. */
async function chainOf(links: readonly Link[], signer: Signer = timmy): Promise<NostrEvent[]> {
  const chain: NostrEvent[] = [];
  for (const link of links) chain.push(await signer.sign(template(link, place(chain.at(-1)?.id ?? null))));
  return chain;
}

const refund = (changes: Partial<PaidRefund> = {}): PaidRefund => ({
  amountSats: sats(1),
  debts: [{ id: 'J-4KQ7M', amountSats: sats(1) }],
  paymentHash: hash(9),
  preimage: null,
  ...changes,
});
const paid = (purpose: ReceiptPayment['purpose'], amount: number, n: number | null): ReceiptPayment => ({
  purpose,
  amountSats: sats(amount),
  paymentHash: n === null ? null : hash(n),
});
const accepted = job({ outcome: 'accepted', ...evalOnly });

const GOOD: readonly Link[] = [
  accepted,
  job(),
  refund(),
  session(),
  bootstrap('failed'),
  // One debt of an order is paid, then another of the same sum: it came late twice.
  refund({ paymentHash: hash(10) }),
  session({ id: 'R-00002', balanceBeforeSats: sats(372) }),
];

describe('a chain', () => {
  let chain: NostrEvent[];
  beforeAll(async () => void (chain = await chainOf(GOOD)));

  it('holds, and so does every beginning of it: nobody can see a newest one that is kept back', () => {
    for (let to = 0; to <= chain.length; to++) expect(verifyChain(chain.slice(0, to))).toEqual([]);
  });

  it('breaks where its beginning is missing', () => {
    for (let from = 1; from < 3; from++) {
      expect(verifyChain(chain.slice(from))).toEqual([
        'Receipt 1: It follows one that is not here: a receipt is missing.',
      ]);
    }
  });

  it('breaks where one is left out', () => {
    for (let at = 1; at < chain.length - 1; at++) {
      expect(verifyChain(chain.filter((_, i) => i !== at))).toContain(
        `Receipt ${at + 1}: It follows one that is not here: a receipt is missing.`,
      );
    }
  });

  it('holds in any order, and with some of them twice: how they were collected is no fault of theirs', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
        fc.subarray([0, 1, 2, 3, 4, 5, 6]),
        (order, again) => {
          expect(verifyChain([...order, ...again].flatMap((n) => chain[n] ?? []))).toEqual([]);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('names a receipt that is false by itself', () => {
    const problems = verifyChain(chain.map((event, i) => (i === 2 ? { ...event, content: '{}' } : event)));
    expect(problems).toEqual([expect.stringMatching(/^Receipt 3: This is no Nostr event with a true id/)]);
  });

  it('has one beginning, and one end: a second history of the same customer shows', async () => {
    const other = await timmy.sign(buildChargeReceipt(session({ id: 'R-00009' }), place(chain[2]?.id ?? '')));
    expect(verifyChain([...chain, other])).toContain(
      'Receipt 8: It follows the same one as receipt 4: the chain was written twice.',
    );
    const another = await timmy.sign(buildChargeReceipt(bootstrap('complete'), place(null)));
    expect(verifyChain([...chain, another])).toContain(
      'Receipt 8: It names none before it, and neither does receipt 1: a chain has one beginning.',
    );
  });

  it.each<[string, (previous: string) => Promise<NostrEvent>, string]>([
    [
      'another customer',
      (p) => timmy.sign(buildChargeReceipt(bootstrap('failed'), { ...place(p), customer: 'e'.repeat(64) })),
      'another customer',
    ],
    [
      'another signer',
      (p) => stranger.sign(buildChargeReceipt(bootstrap('failed'), place(p))),
      'signed by another key',
    ],
    [
      'a date before the last',
      (p) => timmy.sign(buildRefundReceipt(refund(), { ...place(p), at: unixSeconds(1_799_999_999) })),
      'dated before the one that it follows',
    ],
  ])('breaks with %s', async (_, next, words) => {
    const problems = verifyChain([...chain.slice(0, 2), await next(chain[1]?.id ?? '')]);
    expect(problems.join(' ')).toContain(words);
  });
});

describe('what an operator could sign, each true by itself', () => {
  it.each<[string, readonly Link[], string]>([
    [
      'an order charged again',
      [...GOOD, job()],
      'J-4KQ7M ended with an earlier receipt (complete): it is charged again',
    ],
    ['a look charged again', [accepted, accepted], 'ended with an earlier receipt (accepted)'],
    [
      'an order that ends twice',
      [job({ outcome: 'rejected', quote: null, ...evalOnly }), job()],
      'ended with an earlier receipt (rejected)',
    ],
    ['a node charged again', [bootstrap('failed'), bootstrap('complete')], 'B-00001 ended with an earlier receipt'],
    [
      'a request charged again',
      [session(), session({ balanceBeforeSats: sats(372) })],
      'R-00001 ended with an earlier',
    ],
    [
      'a job that forgets a payment',
      [accepted, job({ payments: [paid('eval', 10, 3), paid('work', 129, 2)] })],
      'does not agree with the earlier receipt of J-4KQ7M',
    ],
    [
      'a payment that came from an invoice, and now from what was owed',
      [accepted, job({ payments: [paid('eval', 10, null), paid('work', 129, 2)] })],
      'does not agree with the earlier receipt of J-4KQ7M',
    ],
    [
      'one payment counted for two orders',
      [job(), job({ id: 'J-9ZT2C', payments: [paid('eval', 10, 1), paid('work', 129, 7)] })],
      'A payment of it was counted for J-4KQ7M already',
    ],
    ['one payment claimed as two refunds', [job(), refund(), refund()], 'one payment, claimed twice'],
    [
      'a payment by the customer as a refund to them',
      [job(), refund({ paymentHash: hash(2) })],
      'a payment by the customer',
    ],
    [
      'a refund to them as their payment',
      [refund({ paymentHash: hash(1) }), accepted],
      'one that was made to the customer',
    ],
    [
      'a balance that shrank between two requests',
      [session(), session({ id: 'R-00002', balanceBeforeSats: sats(371) })],
      'S-AAAAA should have held at least 372 sats before it, and it says 371',
    ],
    [
      'a first request of a session that had lost some',
      [session({ balanceBeforeSats: sats(499) })],
      'should have held at least 500 sats',
    ],
    [
      'a top-up that came to nothing',
      [
        session(),
        session({
          id: 'R-00002',
          payments: [paid('deposit', 500, 3), paid('topup', 100, 8)],
          balanceBeforeSats: sats(372),
        }),
      ],
      'should have held at least 472 sats',
    ],
    [
      'a deposit forgotten',
      [session(), session({ id: 'R-00002', payments: [paid('deposit', 500, 8)], balanceBeforeSats: sats(372) })],
      'It forgets a payment into S-AAAAA',
    ],
  ])('%s: seen in the chain', async (_, links, words) => {
    const chain = await chainOf(links);
    for (const receipt of chain) expect(verifyReceipt(receipt)).toEqual([]);
    expect(verifyChain(chain).join(' ')).toContain(words);
  });

  it.each<[string, readonly Link[]]>([
    ['work that failed after the look', [accepted, job({ outcome: 'work_failed', items: [EVAL] }), refund()]],
    [
      'a session paid out and filled again',
      [
        session(),
        refund({ amountSats: sats(372), debts: [{ id: 'S-AAAAA', amountSats: sats(372) }] }),
        session({
          id: 'R-00002',
          payments: [paid('deposit', 500, 3), paid('topup', 200, 8)],
          balanceBeforeSats: sats(200),
        }),
      ],
    ],
    [
      "a session's rest that paid for a job",
      [
        session(),
        job({ payments: [paid('order', 139, null)] }),
        session({ id: 'R-00002', balanceBeforeSats: sats(372 - 139) }),
      ],
    ],
    ['two refunds of one order, for the same sum', [job(), refund(), refund({ paymentHash: hash(11) })]],
  ])('%s: holds', async (_, links) => expect(verifyChain(await chainOf(links))).toEqual([]));
});
