import type { ChargeContent } from './content.ts';

/** What may stand together in one charge (docs/receipts.md, "What belongs together"). */

type Purpose = ChargeContent['payments'][number]['purpose'];
type Role = ChargeContent['items'][number]['role'];

/** One way in which an order of a product can end, or go on: a row of the table. */
interface Way {
  readonly outcome: ChargeContent['outcome'];
  /** Does this receipt state a fixed price above zero? */
  readonly fee: boolean;
  /** The payments by purpose, in this order; null: any number of deposits and top-ups. */
  readonly paid: readonly Purpose[] | null;
  readonly quote: boolean;
  readonly items: readonly Role[];
  /** Items that may stand besides: used up, and not charged. */
  readonly also?: Role;
  readonly term?: 'given' | 'ended';
}

const first = { fee: true } as const;
const later = { fee: false } as const;
const looked = { ...first, paid: ['eval'], quote: false } as const;
const whole = { ...first, paid: ['order'], quote: true } as const;
/** The acceptance has no receipt of its own: it was charged before receipts had this form. */
const both = { ...first, paid: ['eval', 'work'], quote: true } as const;
const asked = { ...later, paid: null, quote: false } as const;
const node = { ...first, quote: false, items: [] } as const;

const WAYS: Record<ChargeContent['product'], readonly Way[]> = {
  job: [
    { outcome: 'accepted', ...looked, quote: true, items: ['eval'] },
    { outcome: 'requoted', ...later, paid: [], quote: true, items: [] },
    { outcome: 'complete', ...later, paid: ['work'], quote: true, items: ['work'] },
    { outcome: 'work_failed', ...later, paid: ['work'], quote: true, items: [], also: 'work' },
    { outcome: 'rejected', ...looked, items: ['eval'] },
    { outcome: 'cancelled', ...looked, items: [], also: 'eval' },
    { outcome: 'eval_failed', ...looked, items: [], also: 'eval' },
    { outcome: 'complete', ...whole, items: ['eval', 'work'] },
    { outcome: 'complete', ...both, items: ['eval', 'work'] },
    { outcome: 'work_failed', ...whole, items: ['eval'], also: 'work' },
    { outcome: 'work_failed', ...both, items: ['eval'], also: 'work' },
    { outcome: 'rejected', ...whole, items: ['eval'] },
    { outcome: 'cancelled', ...whole, items: [], also: 'eval' },
    { outcome: 'eval_failed', ...whole, items: [], also: 'eval' },
  ],
  session: [
    { outcome: 'complete', ...asked, items: ['eval', 'work'] },
    { outcome: 'rejected', ...asked, items: ['eval'] },
    { outcome: 'eval_failed', ...asked, items: [], also: 'eval' },
    { outcome: 'work_failed', ...asked, items: ['eval'], also: 'work' },
    { outcome: 'ended', ...asked, items: [] },
  ],
  bootstrap: [
    { outcome: 'complete', ...node, paid: ['bootstrap'], term: 'given' },
    { outcome: 'renewed', ...node, paid: ['bootstrap'], term: 'given' },
    { outcome: 'failed', ...node, paid: ['bootstrap'] },
    { outcome: 'ended_early', ...node, paid: ['bootstrap'], term: 'ended' },
    { outcome: 'ended_early', ...node, paid: [], term: 'ended' },
  ],
};

/** Collects sentences on what does not hold. */
type Demand = (holds: boolean, sentence: string) => void;

/** Parts of a charge that do not belong together, as sentences. */
export function partProblems(content: ChargeContent): string[] {
  const problems: string[] = [];
  const demand: Demand = (holds, sentence) => {
    if (!holds) problems.push(sentence);
  };
  wayProblems(content, demand);
  paymentProblems(content, demand);
  sessionProblems(content, demand);
  return problems;
}

function wayProblems(content: ChargeContent, demand: Demand): void {
  const { product, outcome } = content;
  const ways = WAYS[product].filter((way) => way.outcome === outcome);
  if (ways.length === 0) return demand(false, `A ${product} cannot end "${outcome}".`);
  const fitting = ways.filter((way) => isPaidSo(content, way));
  demand(fitting.length > 0, 'What was paid is not what was asked: the fee and the quote, each once.');
  const [way] = fitting;
  if (way === undefined) return;
  const isEnd = outcome === 'ended';
  demand((content.tariff !== null) === (product !== 'bootstrap' && !isEnd), 'The tariff is missing, or has no place.');
  demand((content.quote !== null) === way.quote, 'The quote is missing, or has no place.');
  demand(hasItems(content, way), 'Its tokens are not those of what was done: by role, the look before the work.');
  demand(!content.cut || (outcome === 'complete' && product !== 'bootstrap'), 'Only finished work can be cut.');
  demand(hasTerm(content, way), 'The term is missing, runs backwards, or has no place.');
}

/** Payments of the purposes and amounts that were asked, in their order. */
function isPaidSo(content: ChargeContent, way: Way): boolean {
  const { fee_sats: fee, payments } = content;
  if (fee > 0 !== way.fee) return false;
  if (way.paid === null) return payments.every(({ purpose }) => purpose === 'deposit' || purpose === 'topup');
  const work = content.quote?.amount_sats ?? 0;
  const prices: Partial<Record<Purpose, number>> = { eval: fee, work, order: fee + work, bootstrap: fee };
  return (
    payments.length === way.paid.length &&
    payments.every(({ purpose, amount_sats }, n) => purpose === way.paid?.[n] && amount_sats === prices[purpose])
  );
}

function hasItems({ items }: ChargeContent, way: Way): boolean {
  const roles = items.map(({ role }) => role).join();
  return roles === way.items.join() || (way.also !== undefined && roles === [...way.items, way.also].join());
}

function hasTerm({ term }: ChargeContent, way: Way): boolean {
  if (way.term === undefined || term === null) return way.term === undefined && term === null;
  const { from, until, ended_at: end } = term;
  if (way.term === 'given') return end === null && from < until;
  return end !== null && from <= end && end < until;
}

function paymentProblems({ payments }: ChargeContent, demand: Demand): void {
  const hashes = payments.flatMap(({ payment_hash }) => payment_hash ?? []);
  demand(new Set(hashes).size === hashes.length, 'One payment hash stands there twice.');
  for (const { payment_hash: hash, debts, amount_sats: amount } of payments) {
    const named = debts.reduce((sum, debt) => sum + debt.amount_sats, 0);
    demand(named === (hash === null ? amount : 0), 'A payment without an invoice names the debts that it came out of.');
    demand(areApart(debts), 'One debt stands there twice.');
  }
}

/** Is each order and payment named once? */
export function areApart(debts: ChargeContent['payments'][number]['debts']): boolean {
  return new Set(debts.map(({ id, payment_hash }) => `${id} ${payment_hash ?? ''}`)).size === debts.length;
}

function sessionProblems(content: ChargeContent, demand: Demand): void {
  const { session, limit_sats: limit, balance_before_sats: before } = content;
  const { spent_by_token_sats: spent, returned_sats: returned } = content;
  if (content.product !== 'session') {
    demand(session === null, 'Only a request of a session names one.');
    demand(
      limit === null && before === null && spent === 0 && returned === 0,
      'Only a session has a balance, and only its requests a limit.',
    );
    return;
  }
  const isEnd = content.outcome === 'ended';
  demand(session !== null && (session === content.id) === isEnd, 'A request names its session, an end its own.');
  demand((limit !== null) === !isEnd, 'A request of a session has a limit, its end has none.');
  if (before === null) {
    demand(!isEnd, 'The end of a session says its balance.');
    demand(
      content.payments.length === 0 && spent === 0 && returned === 0,
      "What moves a session's balance stands in receipts that say the balance.",
    );
  } else demand((limit ?? 0) <= before, 'The limit is more than the session held.');
}
