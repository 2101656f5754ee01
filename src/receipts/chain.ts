import { createHistory } from './history.ts';
import { readReceipt, sumProblems, type ReadReceipt, type VerifyOptions } from './verify.ts';

/** A receipt and the place at which it was given, from 1: problems are named by it. */
interface Numbered {
  readonly receipt: ReadReceipt;
  readonly number: number;
}

/**
 * Everything that is wrong with a customer's receipts: with each by itself, with the chain (one left out but the
 * newest, which nobody can see; two after the same one; two beginnings; one of another customer or signer; dates that
 * run backwards), and with what they say together (`createHistory`). In any order; the same event given twice
 * counts once. Empty when all is well; never throws.
 */
export function verifyChain(values: readonly unknown[], options: VerifyOptions = {}): readonly string[] {
  const problems: string[] = [];
  const readable = new Map<string, Numbered>();
  const named = new Set<string>();
  values.forEach((value, index) => {
    const number = index + 1;
    const receipt = readReceipt(value, options);
    const found = 'content' in receipt ? sumProblems(receipt.content) : receipt;
    problems.push(...found.map((problem) => `Receipt ${number}: ${problem}`));
    if ('content' in receipt && !readable.has(receipt.event.id)) readable.set(receipt.event.id, { receipt, number });
    // One that cannot be read has been named already; what follows it is not blamed for that.
    named.add(idIn(value));
  });
  const all = [...readable.values()];
  return [...problems, ...linkProblems(all, named), ...historyProblems(all)];
}

/** The receipts as their links have it, oldest first. Loose ends keep the order in which they were given. */
function inOrder(receipts: readonly Numbered[]): readonly Numbered[] {
  const after = new Map<string | null, Numbered[]>();
  for (const one of receipts) {
    const { previous } = one.receipt.content;
    after.set(previous, [...(after.get(previous) ?? []), one]);
  }
  const ids = new Set(receipts.map(({ receipt }) => receipt.event.id));
  const heads = receipts.filter(({ receipt: { content } }) => content.previous === null || !ids.has(content.previous));
  heads.sort((a, b) => Number(a.receipt.content.previous !== null) - Number(b.receipt.content.previous !== null));
  const ordered: Numbered[] = [];
  const open = heads.reverse();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    ordered.push(next);
    open.push(...(after.get(next.receipt.event.id) ?? []).slice().reverse());
  }
  return ordered;
}

function historyProblems(receipts: readonly Numbered[]): readonly string[] {
  const history = createHistory();
  return inOrder(receipts).flatMap(({ receipt, number }) =>
    history.add(receipt.content).map((problem) => `Receipt ${number}: ${problem}`),
  );
}

function linkProblems(receipts: readonly Numbered[], named: ReadonlySet<string>): readonly string[] {
  const problems: string[] = [];
  const byId = new Map(receipts.map((one) => [one.receipt.event.id, one]));
  const followers = new Map<string | null, number>();
  for (const { receipt, number } of receipts) {
    const blame = (problem: string): void => void problems.push(`Receipt ${number}: ${problem}`);
    const { previous } = receipt.content;
    const rival = followers.get(previous);
    followers.set(previous, rival ?? number);
    if (rival !== undefined) {
      blame(
        previous === null
          ? `It names none before it, and neither does receipt ${rival}: a chain has one beginning.`
          : `It follows the same one as receipt ${rival}: the chain was written twice.`,
      );
    }
    if (previous === null) continue;
    const before = byId.get(previous)?.receipt;
    if (before === undefined) {
      if (!named.has(previous)) blame('It follows one that is not here: a receipt is missing.');
      continue;
    }
    if (receipt.customer !== before.customer) blame('It is for another customer than the one before it.');
    if (receipt.event.pubkey !== before.event.pubkey) blame('It is signed by another key than the one before it.');
    if (receipt.event.created_at < before.event.created_at) blame('It is dated before the one that it follows.');
  }
  return problems;
}

function idIn(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' ? value.id : '';
}
