import { beforeAll, describe, expect, it } from 'vitest';
import { bootstrap, place, session, stranger, timmy } from '../../test/builders/charges.ts';
import { chainOf, GOOD, HOLDING, refund, REFUSED } from '../../test/receipts/chains.ts';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { buildChargeReceipt, buildRefundReceipt, readChain, verifyChain, verifyReceipt } from './index.ts';

describe('a chain', () => {
  let chain: NostrEvent[];
  beforeAll(async () => void (chain = await chainOf(GOOD)));

  it('holds, and so does every beginning of it: nobody can see a newest one that is kept back', () => {
    for (let to = 0; to <= chain.length; to++) expect(verifyChain(chain.slice(0, to))).toEqual([]);
  });

  it('says what came and went by order, to the sat', () => {
    const nothing = { paid: 0, fromOwed: 0, charged: 0, refunded: 0, used: 0, owed: 0, held: 0 };
    expect(readChain(chain).accounts).toEqual([
      { ...nothing, id: 'J-4KQ7M', paid: 10 + 129 + 10, charged: 10 + 128, refunded: 11 },
      { ...nothing, id: 'S-AAAAA', paid: 500, charged: 256, held: 244 },
      { ...nothing, id: 'B-00001', paid: 10_000, owed: 10_000 },
      { ...nothing, id: 'B-00002', paid: 10_000, charged: 10_000 },
    ]);
  });

  it('breaks where its beginning is missing', () => {
    for (let from = 1; from < chain.length; from++) {
      expect(verifyChain(chain.slice(from))).toEqual([
        'Receipt 1: It follows one that is not here: a receipt is missing.',
      ]);
    }
  });

  it('breaks where one is left out', () => {
    for (let at = 1; at < chain.length - 1; at++) {
      expect(verifyChain(chain.filter((_, i) => i !== at))).toEqual([
        `Receipt ${at + 1}: It follows one that is not here: a receipt is missing.`,
      ]);
    }
  });

  it('is oldest first, each once', () => {
    expect(verifyChain(chain.toReversed()).join(' ')).toContain('they are not in order, oldest first');
    expect(verifyChain([...chain, ...chain.slice(2, 3)])).toEqual([
      'Receipt 9: It stands there twice: it is receipt 3 too.',
    ]);
    expect(verifyChain(chain.flatMap((event) => [event, event]))).toHaveLength(chain.length);
  });

  it('names a receipt that is false by itself, and blames no other for it', () => {
    const problems = verifyChain(chain.map((event, i) => (i === 1 ? { ...event, content: '{}' } : event)));
    expect(problems).toEqual([expect.stringMatching(/^Receipt 2: This is no Nostr event with a true id/)]);
  });

  it('has one beginning, and one end: a second history of the same customer shows', async () => {
    const other = await timmy.sign(buildChargeReceipt(session({ id: 'R-00009' }), place(chain[2]?.id ?? '')));
    expect(verifyChain([...chain, other])).toEqual([
      'Receipt 9: It follows receipt 3: they are not in order, oldest first, or the chain was written twice.',
    ]);
    const another = await timmy.sign(buildChargeReceipt(bootstrap('complete'), place(null)));
    expect(verifyChain([...chain, another])).toEqual([
      'Receipt 9: It names none before it: a chain has one beginning, and it stands first.',
    ]);
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
  ])('breaks with %s', async (_, one, words) => {
    const problems = verifyChain([...chain.slice(0, 2), await one(chain[1]?.id ?? '')]);
    expect(problems.join(' ')).toContain(words);
  });
});

describe('what an operator could sign, each true by itself', () => {
  it.each(REFUSED)('%s: seen in the chain', async (_, links, words) => {
    const chain = await chainOf(links);
    for (const receipt of chain) expect(verifyReceipt(receipt)).toEqual([]);
    expect(verifyChain(chain).join(' ')).toContain(words);
  });

  it.each(HOLDING)('%s: holds', async (_, links, said) => {
    const { problems, accounts } = readChain(await chainOf(links));
    expect(problems).toEqual([]);
    const words = accounts.map(({ id, ...sums }) =>
      [id, ...Object.entries(sums).flatMap(([key, amount]) => (amount === 0 ? [] : [amount, key]))].join(' '),
    );
    expect(words.join(', ')).toBe(said);
    for (const { paid: came, fromOwed, charged, refunded, used, owed, held } of accounts)
      expect(came + fromOwed).toBe(charged + refunded + used + owed + held);
  });
});
