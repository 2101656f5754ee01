import type { ChargeContent } from './content.ts';
import { readReceipt, sumProblems, type ReadReceipt, type VerifyOptions } from './verify.ts';

/**
 * Everything that is wrong with a customer's receipts, oldest first: with each by itself, and with the chain: one
 * left out (but the newest, which nobody can see), two exchanged, one of another customer or signer, or a later receipt
 * of a job that forgets what an earlier one said. Empty when all is well; never throws.
 */
export function verifyChain(values: readonly unknown[], options: VerifyOptions = {}): readonly string[] {
  const problems: string[] = [];
  const readable: { receipt: ReadReceipt; number: number }[] = [];
  values.forEach((value, index) => {
    const number = index + 1;
    const receipt = readReceipt(value, options);
    const found = 'content' in receipt ? sumProblems(receipt.content) : receipt;
    problems.push(...found.map((problem) => `Receipt ${number}: ${problem}`));
    if ('content' in receipt) readable.push({ receipt, number });
  });
  const [first] = readable;
  if (first?.number === 1 && first.receipt.content.previous !== null) {
    problems.push('Receipt 1: It follows one that is not here: the first of a chain names none before it.');
  }
  // A link is judged between neighbours that could both be read; the others have been named already.
  readable.forEach(({ receipt, number }, index) => {
    const before = readable[index - 1];
    if (before?.number !== number - 1) return;
    problems.push(...linkProblems(before.receipt, receipt).map((problem) => `Receipt ${number}: ${problem}`));
  });
  return [...problems, ...repeatProblems(readable)];
}

function linkProblems(before: ReadReceipt, after: ReadReceipt): readonly string[] {
  const problems: string[] = [];
  if (after.content.previous !== before.event.id) {
    problems.push('It does not follow the one before it: a receipt is missing, or the order was changed.');
  }
  if (after.customer !== before.customer) problems.push('It is for another customer.');
  if (after.event.pubkey !== before.event.pubkey) problems.push('It is signed by another key.');
  return problems;
}

/** A job's later receipt repeats its fee and every payment of the earlier one, and never charges less. */
function repeatProblems(receipts: readonly { receipt: ReadReceipt; number: number }[]): readonly string[] {
  const newest = new Map<string, ChargeContent>();
  const problems: string[] = [];
  for (const { receipt, number } of receipts) {
    const { content } = receipt;
    if (content.type !== 'charge') continue;
    const earlier = newest.get(content.id);
    newest.set(content.id, content);
    if (earlier === undefined) continue;
    const kept = earlier.payments.every((old) =>
      content.payments.some((now) => now.payment_hash === old.payment_hash && now.amount_sats === old.amount_sats),
    );
    if (!kept || content.fee_sats !== earlier.fee_sats || content.bill.charged_sats < earlier.bill.charged_sats) {
      problems.push(`Receipt ${number}: It does not agree with the earlier receipt of ${content.id}.`);
    }
  }
  return problems;
}
