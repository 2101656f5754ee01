import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accepted,
  bootstrap,
  CUSTOMER,
  EVAL,
  evalOnly,
  hash,
  job,
  later,
  place,
  session,
  sessionEnd,
  TARIFF,
  timmy,
  WORK,
} from '../../test/builders/charges.ts';
import { sats } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import { settleWork } from '../pricing/index.ts';
import { buildChargeReceipt, buildRefundReceipt, RECEIPT_KIND, verifyReceipt } from './index.ts';
import type { Charge } from './index.ts';

const billOf = (template: EventTemplate): unknown => (JSON.parse(template.content) as { bill: unknown }).bill;

describe('what was charged and what is owed', () => {
  it.each<[string, Charge, { actual: number; charged: number; owed: number; after?: number }]>([
    ['work, after the look', later(), { actual: 128, charged: 128, owed: 1 }],
    ['work, paid in one', job(), { actual: 128, charged: 138, owed: 1 }],
    [
      'work, whose acceptance has no receipt',
      job({ payments: [...accepted().payments, ...later().payments] }),
      { actual: 128, charged: 138, owed: 1 },
    ],
    [
      'work dearer than quoted',
      later({ items: [{ ...WORK, outputTokens: 8192 }], cut: true }),
      { actual: 279, charged: 129, owed: 0 },
    ],
    // (8 × 0.003 + 20 × 0.00375 + 30 × 0.0003 + 120 × 0.015)/1000 = 0.001908; + 0.1 = 0.101908; × 1.25 → 127.385 → 128
    [
      'work that read and wrote the cache',
      later({ items: [{ ...WORK, inputTokens: 8, cacheWriteTokens: 20, cacheReadTokens: 30 }] }),
      { actual: 128, charged: 128, owed: 1 },
    ],
    ['looked at', accepted(), { actual: 0, charged: 10, owed: 0 }],
    ['quoted anew', later({ outcome: 'requoted', payments: [], items: [] }), { actual: 0, charged: 0, owed: 0 }],
    ['rejected', job({ outcome: 'rejected', quote: null, ...evalOnly }), { actual: 0, charged: 10, owed: 0 }],
    ['rejected, paid in one', job({ outcome: 'rejected', items: [EVAL] }), { actual: 0, charged: 10, owed: 129 }],
    [
      'cancelled',
      job({ outcome: 'cancelled', quote: null, ...evalOnly, items: [] }),
      { actual: 0, charged: 10, owed: 0 },
    ],
    [
      'could not be looked at',
      job({ outcome: 'eval_failed', quote: null, ...evalOnly, items: [] }),
      { actual: 0, charged: 0, owed: 10 },
    ],
    ['could not be done', later({ outcome: 'work_failed', items: [] }), { actual: 0, charged: 0, owed: 129 }],
    [
      'could not be done, paid in one',
      job({ outcome: 'work_failed', items: [EVAL] }),
      { actual: 0, charged: 10, owed: 129 },
    ],
    [
      'from what was owed',
      job({
        payments: [
          {
            purpose: 'order',
            amountSats: sats(139),
            paymentHash: null,
            debts: [
              { id: 'J-9ZT2C', amountSats: sats(100), paymentHash: null },
              { id: 'J-9ZT2C', amountSats: sats(39), paymentHash: hash(8) },
            ],
          },
        ],
      }),
      { actual: 128, charged: 138, owed: 1 },
    ],
    // 0.000424 + 0.001974 + 0.1 = 0.102398; × 1.25 = 0.1279975 → 128
    ['a question', session(), { actual: 128, charged: 128, owed: 0, after: 372 }],
    [
      'a question turned down',
      session({ outcome: 'rejected', items: [EVAL] }),
      { actual: 1, charged: 1, owed: 0, after: 499 },
    ],
    ['a question that failed', session({ outcome: 'work_failed' }), { actual: 0, charged: 0, owed: 0, after: 500 }],
    [
      'a question for the last sats',
      session({ balanceBeforeSats: sats(100), limitSats: sats(100) }),
      { actual: 128, charged: 100, owed: 0, after: 0 },
    ],
    [
      'a question beside others: money set aside for those is not its own',
      session({ limitSats: sats(90) }),
      { actual: 128, charged: 90, owed: 0, after: 410 },
    ],
    [
      'the last question of a session that ended meanwhile',
      session({ balanceBeforeSats: sats(150), limitSats: sats(150), returnedSats: sats(22) }),
      { actual: 128, charged: 128, owed: 22, after: 0 },
    ],
    [
      "a question by a session's token",
      session({ payments: [], balanceBeforeSats: null, limitSats: sats(120) }),
      { actual: 128, charged: 120, owed: 0 },
    ],
    ['the end of a session', sessionEnd(), { actual: 0, charged: 0, owed: 372, after: 0 }],
    ['a node', bootstrap('complete'), { actual: 0, charged: 10_000, owed: 0 }],
    ['no node', bootstrap('failed'), { actual: 0, charged: 0, owed: 10_000 }],
    // 10,000 × 10 ÷ 30 days = 3333.3 → 3334
    ['a node for ten days', bootstrap('ended_early'), { actual: 0, charged: 3334, owed: 6666 }],
    [
      'a node whose fee was charged, for ten days',
      bootstrap('ended_early', { payments: [] }),
      { actual: 0, charged: -6666, owed: 6666 },
    ],
  ])('%s', async (_, charge, { actual, charged, owed, after }) => {
    const template = buildChargeReceipt(charge, place());
    expect(billOf(template)).toMatchObject({
      actual_sats: actual,
      charged_sats: charged,
      owed_sats: owed,
      balance_after_sats: after ?? null,
    });
    expect(verifyReceipt(await timmy.sign(template), { signer: timmy.publicKey })).toEqual([]);
  });

  it('is a whole receipt, byte for byte', () => {
    const template = buildChargeReceipt(later(), place('d'.repeat(64)));
    expect(template).toMatchObject({ kind: RECEIPT_KIND, created_at: 1_800_000_000, tags: [['p', CUSTOMER]] });
    expect(template.content).toBe(
      '{"balance_before_sats":null,' +
        '"bill":{"actual_sats":128,"balance_after_sats":null,"charged_sats":128,"infra_usd":"0.1","margin_usd":"0.0254935","owed_sats":1,"token_usd":"0.001974"},' +
        '"cut":false,"fee_sats":0,"id":"J-4KQ7M",' +
        '"items":[{"cache_read_tokens":0,"cache_write_tokens":0,"input_tokens":58,"output_tokens":120,"role":"work"}],' +
        '"limit_sats":null,"outcome":"complete",' +
        `"payments":[{"amount_sats":129,"debts":[],"payment_hash":"${hash(2)}","purpose":"work"}],` +
        `"previous":"${'d'.repeat(64)}","product":"job","quote":{"amount_sats":129,"input_tokens":62,"output_tokens":200},"returned_sats":0,"session":null,"spent_by_token_sats":0,` +
        '"tariff":{"btc_price_source":"median(coingecko,coinbase,kraken)","btc_price_usd":"100000","eval":{"band":null,"cache_read_rate":"0.00008","cache_write_rate":"0.001","in_rate":"0.0008","model":"claude-haiku-4-5","out_rate":"0.004"},' +
        '"formula":1,"infra_monthly_requests":"1000","infra_monthly_usd":"100","margin_pct":"25","work":{"band":null,"cache_read_rate":"0.0003","cache_write_rate":"0.00375","in_rate":"0.003","model":"claude-sonnet-4-6","out_rate":"0.015"}},' +
        '"term":null,"type":"charge","v":1}',
    );
  });

  it('agrees with what the job was settled at, whatever the tokens', () => {
    const tokens = fc.integer({ min: 0, max: 20_000 });
    fc.assert(
      fc.property(tokens, tokens, (inputTokens, outputTokens) => {
        const settled = settleWork(
          { inputTokens, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens },
          TARIFF,
          sats(129),
        );
        const template = buildChargeReceipt(
          job({ items: [EVAL, { role: 'work', inputTokens, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens }] }),
          place(),
        );
        expect(billOf(template)).toMatchObject({
          actual_sats: settled.actualAmountSats,
          charged_sats: 10 + settled.chargedSats,
          owed_sats: settled.refundSats,
        });
      }),
    );
  });

  it.each<[string, Charge]>([
    ['more charged than paid', job({ payments: [] })],
    ['an id that is none', job({ id: 'x' })],
    ['a hash that is none', job({ payments: [{ purpose: 'order', amountSats: sats(139), paymentHash: 'ab' }] })],
    ['half a token', job({ items: [{ ...WORK, inputTokens: 0.5 }] })],
  ])('is not written with %s', (_, charge) => expect(() => buildChargeReceipt(charge, place())).toThrow());
});

describe('refunds', () => {
  const preimage = '11'.repeat(32);
  const paymentHash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
  const refund = {
    amountSats: sats(103),
    debts: [
      { id: 'J-4KQ7M', amountSats: sats(96), paymentHash: null },
      { id: 'J-9ZT2C', amountSats: sats(7), paymentHash: hash(7) },
    ],
    paymentHash,
    preimage,
  };
  const sign = (changes: object): Promise<NostrEvent> =>
    timmy.sign(buildRefundReceipt({ ...refund, ...changes }, place()));

  it('are proven by their preimage, or at least say what they paid', async () => {
    expect(verifyReceipt(await sign({}))).toEqual([]);
    expect(verifyReceipt(await sign({ preimage: null }))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['another sum', { amountSats: sats(104) }, 'The debts it pays come to 103 sats, and it says 104.'],
    [
      'a preimage of another payment',
      { preimage: '22'.repeat(32) },
      'The preimage does not belong to the payment hash.',
    ],
  ])('%s', async (_, changes, sentence) => expect(verifyReceipt(await sign(changes))).toEqual([sentence]));
});
