import { beforeAll, describe, expect, it } from 'vitest';
import {
  accepted,
  bootstrap,
  CUSTOMER,
  evalOnly,
  hash,
  job,
  later,
  place,
  session,
  sessionEnd,
  stranger,
  timmy,
} from '../../test/builders/charges.ts';
import type { EventTemplate, NostrEvent } from '../nostr/event.ts';
import { buildChargeReceipt, verifyReceipt } from './index.ts';
import type { Charge } from './index.ts';

/** A receipt's content, for a forger. */
interface Editable {
  bill: object;
  tariff: object;
  quote: object;
  items: object[];
  payments: object[];
}

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

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
