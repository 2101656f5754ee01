import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
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
  stranger,
  TARIFF,
  timmy,
  WORK,
} from '../../test/builders/charges.ts';
import { sats } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import { settleWork } from '../pricing/index.ts';
import { buildChargeReceipt, buildRefundReceipt, RECEIPT_KIND, verifyReceipt } from './index.ts';
import type { Charge } from './index.ts';

/** A receipt's content, for a forger. */
interface Editable {
  bill: object;
  tariff: object;
  quote: object;
  items: object[];
  payments: object[];
}

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

const rejected = job({ outcome: 'rejected', quote: null, ...evalOnly });
const QUOTE = { amount_sats: 129, input_tokens: 62, output_tokens: 200 };
const ITEM = { role: 'work', input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 1 };
const RENTED = { from: 1_800_000_000, until: 1_802_592_000, ended_at: null };

describe('a forged receipt', () => {
  let genuine: NostrEvent;
  beforeAll(async () => void (genuine = await timmy.sign(buildChargeReceipt(job(), place()))));

  it('is seen, whichever byte was changed', () => {
    const text = JSON.stringify(genuine);
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`;
      let value: unknown;
      try {
        value = JSON.parse(changed);
      } catch {
        continue; // no JSON any more
      }
      expect(verifyReceipt(value), `byte ${at}`).not.toEqual([]);
    }
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['text', 'receipt'],
    ['a list', []],
    ['an empty object', {}],
    ['numbers for text', { id: 1, pubkey: 2, sig: 3, kind: 4, tags: 5, content: 6, created_at: 7 }],
  ])('may be anything: %s', (_, value) => expect(verifyReceipt(value)).toHaveLength(1));

  it('is one with a field that nothing signs', () => {
    expect(verifyReceipt({ ...genuine, note: 'paid in full' })).toEqual([
      'It has fields that no event has: nothing signs those.',
    ]);
  });

  it("is another's, though it adds up", async () => {
    const forged = await stranger.sign(buildChargeReceipt(job(), place()));
    expect(verifyReceipt(forged)).toEqual([]);
    expect(verifyReceipt(forged, { signer: timmy.publicKey })).toEqual(['Somebody else signed it.']);
    expect(verifyReceipt({ ...forged, sig: genuine.sig })).toEqual([
      'The signature is not that of the key that the event names.',
    ]);
  });

  /** The genuine content with one thing changed, signed again by Timmy itself: only the sums can tell. */
  const resigned = (charge: Charge, change: (content: Editable) => void): Promise<NostrEvent> => {
    const template = buildChargeReceipt(charge, place());
    const content = JSON.parse(template.content) as Editable;
    change(content);
    return timmy.sign({ ...template, content: canonical(content) });
  };

  it.each<[string, Charge, (content: Editable) => void, string]>([
    [
      'a sat too much',
      job(),
      (c) => Object.assign(c.bill, { charged_sats: 139 }),
      'What was charged in sats should be 138',
    ],
    ['change kept', job(), (c) => Object.assign(c.bill, { owed_sats: 0 }), 'What is owed back in sats should be 1'],
    [
      'a bill made up',
      job(),
      (c) => Object.assign(c.bill, { token_usd: '0.5' }),
      "The model's bill in USD should be 0.001974",
    ],
    ['another margin', job(), (c) => Object.assign(c.tariff, { margin_pct: '26' }), 'The margin in USD should be'],
    ['another price', job(), (c) => Object.assign(c.tariff, { btc_price_usd: '90000' }), 'The quote should be 144'],
    ['a dearer quote', accepted(), (c) => Object.assign(c.quote, { amount_sats: 130 }), 'The quote should be 129'],
    [
      'more tokens',
      job(),
      (c) => Object.assign(c.items[1] ?? {}, { output_tokens: 9000 }),
      "The model's bill in USD should be",
    ],
    ['a payment forgotten', job(), (c) => void c.payments.pop(), 'What was paid is not what was asked'],
    ['a payment twice', session(), (c) => void c.payments.push(...c.payments), 'One payment hash stands there twice.'],
    [
      'a payment made smaller, with the change',
      later(),
      (c) => {
        Object.assign(c.payments[0] ?? {}, { amount_sats: 128 });
        Object.assign(c.bill, { owed_sats: 0 });
      },
      'What was paid is not what was asked',
    ],
    [
      'a look paid twice',
      accepted(),
      (c) => {
        c.payments.push({ purpose: 'eval', amount_sats: 10, payment_hash: hash(9), debts: [] });
        Object.assign(c.bill, { owed_sats: 10 });
      },
      'What was paid is not what was asked',
    ],
    [
      'work paid for before it was accepted',
      accepted(),
      (c) => {
        c.payments.push({ purpose: 'work', amount_sats: 129, payment_hash: hash(2), debts: [] });
        Object.assign(c.bill, { owed_sats: 129 });
      },
      'What was paid is not what was asked',
    ],
    [
      'money from nowhere',
      job(),
      (c) => Object.assign(c.payments[0] ?? {}, { payment_hash: null }),
      'names the debts that it came out of',
    ],
    [
      'an invoice that is a debt too',
      job(),
      (c) => Object.assign(c.payments[0] ?? {}, { debts: [{ amount_sats: 1, id: 'J-9ZT2C', payment_hash: null }] }),
      'names the debts that it came out of',
    ],
    ['a fee made up', job(), (c) => Object.assign(c, { fee_sats: 11 }), 'What was paid is not what was asked'],
    ['a fee forgotten', job(), (c) => Object.assign(c, { fee_sats: 0 }), 'What was paid is not what was asked'],
    [
      'an outcome of another product',
      job(),
      (c) => Object.assign(c, { outcome: 'failed' }),
      'A job cannot end "failed".',
    ],
    [
      'a payment of another product',
      job(),
      (c) => Object.assign(c.payments[0] ?? {}, { purpose: 'topup' }),
      'What was paid is not what was asked',
    ],
    ['no tariff', job(), (c) => Object.assign(c, { tariff: null }), 'The tariff is missing'],
    ['an acceptance without a quote', accepted(), (c) => Object.assign(c, { quote: null }), 'The quote is missing'],
    ['a quote for nothing', rejected, (c) => Object.assign(c, { quote: QUOTE }), 'The quote is missing, or has no'],
    ['no work', job(), (c) => void c.items.pop(), 'Its tokens are not those'],
    ['no look', accepted(), (c) => void c.items.pop(), 'Its tokens are not those'],
    ['work before it was paid for', accepted(), (c) => void c.items.push(ITEM), 'Its tokens are not those'],
    ['work that was declined', rejected, (c) => void c.items.push(ITEM), 'Its tokens are not those'],
    ['work twice', later(), (c) => void c.items.push(ITEM), 'Its tokens are not those'],
    ['work before its look', job(), (c) => void c.items.reverse(), 'Its tokens are not those'],
    [
      'cut, though not done',
      later({ outcome: 'work_failed', items: [] }),
      (c) => Object.assign(c, { cut: true }),
      'Only finished work can be cut.',
    ],
    [
      'a balance too low',
      session(),
      (c) => Object.assign(c.bill, { balance_after_sats: 371 }),
      'The balance that is left in sats should be 372',
    ],
    [
      'a limit above the balance',
      session(),
      (c) => Object.assign(c, { limit_sats: 501 }),
      'The limit is more than the session held.',
    ],
    [
      'a limit of a session that ended',
      sessionEnd(),
      (c) => Object.assign(c, { limit_sats: 1 }),
      'A request of a session has a limit, its end has none.',
    ],
    [
      'more returned than there is',
      sessionEnd(),
      (c) => {
        Object.assign(c, { returned_sats: 373 });
        Object.assign(c.bill, { owed_sats: 373 });
      },
      'More was charged than was paid',
    ],
    [
      'a holder who is told of payments',
      session(),
      (c) => {
        Object.assign(c, { balance_before_sats: null });
        Object.assign(c.bill, { balance_after_sats: null });
      },
      "What moves a session's balance",
    ],
    [
      'a job with a balance',
      job(),
      (c) => Object.assign(c, { balance_before_sats: 1 }),
      'Only a session has a balance',
    ],
    ['a node that is cut', bootstrap('complete'), (c) => Object.assign(c, { cut: true }), 'Only finished work'],
    ['a node without a term', bootstrap('complete'), (c) => Object.assign(c, { term: null }), 'The term is missing'],
    ['a job with a term', job(), (c) => Object.assign(c, { term: RENTED }), 'The term is missing, runs backwards'],
    [
      'a term that runs backwards',
      bootstrap('complete'),
      (c) => Object.assign(c, { term: { ...RENTED, until: RENTED.from } }),
      'The term is missing, runs backwards',
    ],
    [
      'an end after the end',
      bootstrap('ended_early'),
      (c) => Object.assign(c, { term: { ...RENTED, ended_at: RENTED.until } }),
      'The term is missing, runs backwards',
    ],
    ['a session without a name', session(), (c) => Object.assign(c, { session: null }), 'A request names its session'],
    [
      'a node that was never made',
      bootstrap('failed'),
      (c) => Object.assign(c, { outcome: 'complete', term: RENTED }),
      'What was charged in sats should be 10000',
    ],
    ['a field too many', job(), (c) => Object.assign(c, { note: 'hi' }), 'The content is not a receipt'],
    ['a later version', job(), (c) => Object.assign(c, { v: 2 }), 'The content is not a receipt'],
    ['half a sat', job(), (c) => Object.assign(c.bill, { owed_sats: 0.5 }), 'The content is not a receipt'],
    [
      'a decimal in a second spelling',
      job(),
      (c) => Object.assign(c.tariff, { margin_pct: '25.0' }),
      'The content is not a receipt',
    ],
    [
      'half a character',
      job(),
      (c) => Object.assign(c.tariff, { btc_price_source: '\ud800' }),
      'The content is not a receipt',
    ],
    ['an id with letters that look alike', job(), (c) => Object.assign(c, { id: 'J-ILOU0' }), 'The content is not'],
    [
      'tokens beyond reason',
      job(),
      (c) => Object.assign(c.items[1] ?? {}, { output_tokens: 1e12 }),
      'The content is not a receipt',
    ],
  ])('signed, but wrong: %s', async (_, charge, change, sentence) => {
    const problems = verifyReceipt(await resigned(charge, change));
    expect(problems.join(' ')).toContain(sentence);
  });

  it.each<[string, (template: EventTemplate) => EventTemplate]>([
    ['another kind', (t) => ({ ...t, kind: 1 })],
    ['no customer', (t) => ({ ...t, tags: [] })],
    [
      'two customers',
      (t) => ({
        ...t,
        tags: [
          ['p', CUSTOMER],
          ['p', 'e'.repeat(64)],
        ],
      }),
    ],
    ['a customer that is no key', (t) => ({ ...t, tags: [['p', 'me']] })],
    [
      'a tag too many',
      (t) => ({
        ...t,
        tags: [
          ['p', CUSTOMER],
          ['t', 'x'],
        ],
      }),
    ],
    ['white space', (t) => ({ ...t, content: ` ${t.content}` })],
    [
      'keys in another order',
      (t) => ({ ...t, content: JSON.stringify({ v: 1, ...(JSON.parse(t.content) as object) }) }),
    ],
    ['a key twice', (t) => ({ ...t, content: t.content.replace('{', '{"v":1,') })],
    ['no JSON', (t) => ({ ...t, content: 'paid' })],
  ])('signed, but misshapen: %s', async (_, change) => {
    expect(verifyReceipt(await timmy.sign(change(buildChargeReceipt(job(), place()))))).toHaveLength(1);
  });
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

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
