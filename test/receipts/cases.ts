import type { NostrEvent } from '../../src/nostr/event.ts';
import { buildChargeReceipt, buildRefundReceipt, type Charge } from '../../src/receipts/index.ts';
import { sats } from '../../src/lib/units.ts';
import {
  accepted,
  bootstrap,
  CUSTOMER,
  EVAL,
  hash,
  job,
  later,
  place,
  session,
  sessionEnd,
  TARIFF,
  timmy,
  WORK,
} from '../builders/charges.ts';
import { chainOf, HOLDING, refund, REFUSED } from './chains.ts';
import { forge, mutate, seeded } from './mutants.ts';

/** One receipt, or a chain of them, and what a verifier has to say. */
export interface Case {
  readonly name: string;
  readonly chain: boolean;
  readonly holds: boolean;
  readonly events: readonly unknown[];
}

const BAND = {
  abovePromptTokens: 100,
  inRate: '0.006',
  outRate: '0.03',
  cacheWriteRate: '0.0075',
  cacheReadRate: '0.0006',
};
const banded = { ...TARIFF, work: { ...TARIFF.work, band: BAND } };
const declined = { outcome: 'rejected', quote: null, payments: accepted().payments, items: [EVAL] } as const;

const TRUE: readonly (readonly [string, Charge])[] = [
  ['looked at', accepted()],
  ['quoted anew', later({ outcome: 'requoted', payments: [], items: [] })],
  ['work after its look', later()],
  ['work after its look, failed', later({ outcome: 'work_failed', items: [] })],
  ['work paid in one', job()],
  ['work paid in two, in one receipt', job({ payments: [...accepted().payments, ...later().payments] })],
  ['work paid in one, failed', job({ outcome: 'work_failed', items: [EVAL, WORK] })],
  ['work dearer than its quote, cut', later({ items: [{ ...WORK, outputTokens: 8192 }], cut: true })],
  ['work with cache', later({ items: [{ ...WORK, cacheWriteTokens: 1100, cacheReadTokens: 2300 }] })],
  ['work just below the band', later({ tariff: banded, items: [{ ...WORK, inputTokens: 60, cacheReadTokens: 40 }] })],
  ['work above the band', later({ tariff: banded, items: [{ ...WORK, inputTokens: 61, cacheReadTokens: 40 }] })],
  ['work that cost nothing', later({ items: [{ ...WORK, inputTokens: 0, outputTokens: 0 }] })],
  ['declined', job(declined)],
  ['declined, paid in one', job({ outcome: 'rejected', items: [EVAL] })],
  ['dropped', job({ ...declined, outcome: 'cancelled', items: [] })],
  ['could not be looked at', job({ ...declined, outcome: 'eval_failed', items: [] })],
  [
    'paid out of what was owed',
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
  ],
  ['a request', session()],
  ['a request declined', session({ outcome: 'rejected', items: [EVAL] })],
  ['a request that failed', session({ outcome: 'work_failed', items: [EVAL] })],
  ['a request beside others', session({ limitSats: sats(90), spentByTokenSats: sats(3) })],
  ['a request by token', session({ payments: [], balanceBeforeSats: null })],
  ['the end of a session', sessionEnd()],
  ['a node', bootstrap('complete')],
  ['a node renewed', bootstrap('renewed')],
  ['no node', bootstrap('failed')],
  ['a node that ended early', bootstrap('ended_early')],
  ['a node that was charged and ended early', bootstrap('ended_early', { payments: [] })],
];

/** Receipts that hold by themselves. */
export async function trueReceipts(): Promise<readonly (readonly [string, NostrEvent])[]> {
  const charges = TRUE.map(
    async ([name, charge]) => [name, await timmy.sign(buildChargeReceipt(charge, place()))] as const,
  );
  const one = await timmy.sign(buildRefundReceipt(refund(), place('d'.repeat(64))));
  const late = await timmy.sign(buildRefundReceipt(refund(10, 'J-4KQ7M', 10, hash(20)), place()));
  return [...(await Promise.all(charges)), ['a refund', one], ['a refund of what came late', late]];
}

/** The same event, with something that no signature covers, or that no receipt has. */
async function misshapen(event: NostrEvent): Promise<readonly (readonly [string, unknown])[]> {
  const { kind, created_at, tags, content } = event;
  const signed = async (name: string, changes: object) =>
    [name, await timmy.sign({ kind, created_at, tags, content, ...changes })] as const;
  const sig = `${event.sig.slice(0, -1)}${event.sig.endsWith('0') ? '1' : '0'}`;
  return [
    ['a foreign field', { ...event, note: 'paid' }],
    ['another signature', { ...event, sig }],
    ['another date', { ...event, created_at: created_at + 1 }],
    ['a key in capitals', { ...event, pubkey: event.pubkey.toUpperCase() }],
    await signed('another kind', { kind: 1 }),
    await signed('no customer', { tags: [] }),
    await signed('a relay hint', { tags: [['p', CUSTOMER, 'wss://x']] }),
    await signed('white space', { content: ` ${content}` }),
    await signed('a key twice', { content: content.replace('{', '{"v":1,') }),
    await signed('a number with a point', { content: content.replace('"v":1}', '"v":1.0}') }),
    await signed('a zero below zero', { content: content.replace('"returned_sats":0', '"returned_sats":-0') }),
    await signed('half a character', { content: content.replace('claude-haiku', '\\ud800') }),
    await signed('an escape that is not needed', { content: content.replace('claude-haiku', '\\u0063laude-haiku') }),
    await signed('no JSON', { content: 'paid' }),
  ];
}

/** Mutants of one receipt each, for the table. */
const MUTANTS = 60;

/** @param holdsAlone whether a receipt holds by itself: of mutants nobody knows beforehand. */
export async function allCases(holdsAlone: (event: unknown) => boolean): Promise<readonly Case[]> {
  const receipts = await trueReceipts();
  const cases: Case[] = receipts.map(([name, event]) => ({ name, chain: false, holds: true, events: [event] }));
  const [, work] = receipts.find(([name]) => name === 'work after its look') ?? [];
  for (const [name, event] of work === undefined ? [] : await misshapen(work))
    cases.push({ name, chain: false, holds: false, events: [event] });
  const contents = receipts.map(([, { content }]) => JSON.parse(content) as Record<string, unknown>);
  const pick = seeded(11);
  for (let n = 0; n < MUTANTS; n++) {
    const which = pick(receipts.length);
    const [name, like] = receipts[which] ?? [];
    if (like === undefined) continue;
    const event = await forge(like, mutate(contents[which] ?? {}, contents, pick));
    cases.push({ name: `mutant ${n} of: ${name}`, chain: false, holds: holdsAlone(event), events: [event] });
  }
  for (const [name, links] of HOLDING) cases.push({ name, chain: true, holds: true, events: await chainOf(links) });
  for (const [name, links] of REFUSED) cases.push({ name, chain: true, holds: false, events: await chainOf(links) });
  return cases;
}
