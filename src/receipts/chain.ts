import type { OrderAccount } from './accounts.ts';
import { createHistory } from './history.ts';
import { readReceipt, sumProblems, type ReadReceipt, type VerifyOptions } from './verify.ts';

/** What a customer's receipts come to. */
export interface Chain {
  /** Sentences for people; empty when all is well. */
  readonly problems: readonly string[];
  /** What came and went by order; only worth something when there are no problems. */
  readonly accounts: readonly OrderAccount[];
}

/**
 * A customer's receipts, oldest first and each once: everything that is wrong with each by itself, with the chain (one
 * left out but the newest, which nobody can see; another order; one of another customer or signer; dates that run
 * backwards), and with what they say together (`createHistory`). Never throws.
 */
export function readChain(values: readonly unknown[], options: VerifyOptions = {}): Chain {
  const problems: string[] = [];
  const history = createHistory();
  const ids = values.map(idIn);
  let before: ReadReceipt | null = null;
  // After a gap or a receipt that cannot be read, nothing can be said of what they say together.
  let isWhole = true;
  for (const [index, value] of values.entries()) {
    const receipt = readReceipt(value, options);
    const isRead = 'content' in receipt;
    const own = isRead ? sumProblems(receipt.content) : receipt;
    const links = isRead ? linkProblems(receipt, before, ids, index) : [];
    isWhole &&= isRead && links.length === 0 && own.length === 0;
    const together = isRead && isWhole ? history.add(receipt.content) : [];
    problems.push(...[...own, ...links, ...together].map((problem) => `Receipt ${index + 1}: ${problem}`));
    before = isRead ? receipt : null;
  }
  return { problems, accounts: history.accounts() };
}

/** The problems of `readChain`. */
export function verifyChain(values: readonly unknown[], options: VerifyOptions = {}): readonly string[] {
  return readChain(values, options).problems;
}

/** @param before the receipt before it, null where there is none or it cannot be read. */
function linkProblems(
  receipt: ReadReceipt,
  before: ReadReceipt | null,
  ids: readonly string[],
  index: number,
): readonly string[] {
  const { previous } = receipt.content;
  if (previous !== (ids[index - 1] ?? null)) return [misplaced(previous, ids, index)];
  if (before === null) return [];
  const problems: string[] = [];
  if (receipt.customer !== before.customer) problems.push('It is for another customer than the one before it.');
  if (receipt.event.pubkey !== before.event.pubkey)
    problems.push('It is signed by another key than the one before it.');
  if (receipt.event.created_at < before.event.created_at) problems.push('It is dated before the one that it follows.');
  return problems;
}

/** Why it does not follow the one before it. */
function misplaced(previous: string | null, ids: readonly string[], index: number): string {
  const twin = ids.indexOf(ids[index] ?? '');
  if (twin < index) return `It stands there twice: it is receipt ${twin + 1} too.`;
  if (previous === null) return 'It names none before it: a chain has one beginning, and it stands first.';
  const at = ids.indexOf(previous);
  if (at < 0) return 'It follows one that is not here: a receipt is missing.';
  return `It follows receipt ${at + 1}: they are not in order, oldest first, or the chain was written twice.`;
}

function idIn(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' ? value.id : '';
}
