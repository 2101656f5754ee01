import type { Tx } from '../db/index.ts';
import type { handDecisions } from './schema.ts';

export type DecisionRow = typeof handDecisions.$inferSelect;

/** What came of a decision. `refused`: nothing was changed, and the words say why. */
export interface DecisionOutcome {
  readonly result: 'done' | 'refused';
  readonly words: string;
}

/** The last step, in the transaction that ends the decision: things may have moved while the wallet was asked. */
export type Book = (tx: Tx) => DecisionOutcome;

export const refused = (words: string): DecisionOutcome => ({ result: 'refused', words });
export const done = (words: string): DecisionOutcome => ({ result: 'done', words });
