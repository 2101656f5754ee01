import { dropFact, keepFact, readFact, type Reader, type Tx } from '../../db/index.ts';
import type { Log } from '../../lib/log.ts';
import { plusSeconds, type UnixSeconds } from '../../lib/units.ts';
import { schedule } from '../../tasks/index.ts';

export type ModelRole = 'eval' | 'work';

/** Why the model is of no use until somebody does something about it. */
export type ModelCause = 'key_refused' | 'no_such_model' | 'wrong_address' | 'spending_limit' | 'no_answers';

/** While there is any, nothing is sold. */
export interface ModelTrouble {
  readonly role: ModelRole;
  readonly cause: ModelCause;
  /** Our own code of the failure. */
  readonly code: string;
  readonly since: number;
}

export interface ModelTroubleOptions {
  readonly log: Log;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
}

interface Side {
  /** Calls in a row whose answer was none. */
  readonly inARow: number;
  readonly trouble: Omit<ModelTrouble, 'role'> | null;
}
type Sides = Readonly<Record<ModelRole, Side>>;

const WELL: Side = { inARow: 0, trouble: null };
/** So many answers in a row that are none, and a call of our own decides whether the endpoint is at fault. */
const SUSPECT_AFTER = 3;
/** Trouble is looked at again so soon, first and later. Seconds. */
const PROBE_FIRST = 60;
export const PROBE_AGAIN = 300;

const CAUSES: Readonly<Record<string, ModelCause>> = {
  'model.key_refused': 'key_refused',
  'model.no_such_model': 'no_such_model',
  'model.wrong_address': 'wrong_address',
  'model.spending_limit': 'spending_limit',
};
/** A customer's words can bring about some of these: alone they close nothing. */
const NO_ANSWERS = ['model.no_answer', 'model.bad_output', 'model.bad_usage', 'model.bad_request', 'model.empty'];

/** What ails the model now, read from the database: a restart opens nothing. */
export function modelTrouble(reader: Reader): ModelTrouble | null {
  const sides = readSides(reader);
  for (const role of ['work', 'eval'] as const) {
    const { trouble } = sides[role];
    if (trouble !== null) return { role, ...trouble };
  }
  return null;
}

/** Is it doubted that the model answers this role? Then it is asked for our own sake. */
export function isModelInDoubt(reader: Reader, role: ModelRole): boolean {
  const { inARow, trouble } = readSides(reader)[role];
  return trouble !== null || inARow >= SUSPECT_AFTER;
}

/** A call failed with this code. `isProbe`: it was a call of our own, whose words nobody else chose. */
export function noteFailure(
  tx: Tx,
  options: ModelTroubleOptions,
  { role, code, isProbe }: { role: ModelRole; code: string; isProbe: boolean },
  now: UnixSeconds,
): void {
  const before = readSides(tx)[role];
  const isNoAnswer = NO_ANSWERS.includes(code);
  const inARow = isNoAnswer ? before.inARow + 1 : before.inARow;
  const cause = CAUSES[code] ?? (isNoAnswer && isProbe && inARow >= SUSPECT_AFTER ? 'no_answers' : undefined);
  if (cause === undefined) {
    if (!isNoAnswer) return;
    keep(tx, role, { ...before, inARow });
    if (inARow >= SUSPECT_AFTER && before.trouble === null && !isProbe) probeSoon(tx, role, now, now);
    return;
  }
  if (before.trouble?.cause === cause) return keep(tx, role, { ...before, inARow });
  const trouble = { cause, code, since: before.trouble?.since ?? now };
  keep(tx, role, { inARow, trouble });
  options.log.warn('model.trouble', { role, cause, code });
  options.alert(tx, describeModelTrouble({ role, ...trouble }));
  if (!isProbe) probeSoon(tx, role, plusSeconds(now, PROBE_FIRST), now);
}

/** It answered as asked, or declined to: either is an answer. */
export function noteAnswer(tx: Tx, options: ModelTroubleOptions, role: ModelRole, now: UnixSeconds): void {
  const { trouble, inARow } = readSides(tx)[role];
  if (trouble === null && inARow === 0) return;
  keep(tx, role, WELL);
  if (trouble === null) return;
  options.log.info('model.well', { role, was: trouble.cause, seconds: now - trouble.since });
  options.alert(tx, `The model answers ${ROLES[role]} again: sales are open as far as it is concerned.`);
}

/** At start: whoever restarted us may have mended it. */
export function probeTroublesNow(tx: Tx, now: UnixSeconds): void {
  for (const role of ['eval', 'work'] as const) if (isModelInDoubt(tx, role)) probeSoon(tx, role, now, now);
}

function probeSoon(tx: Tx, role: ModelRole, dueAt: UnixSeconds, now: UnixSeconds): void {
  schedule(tx, { kind: 'model.probe', payload: { role }, key: `model.probe:${role}`, dueAt, now });
}

function readSides(reader: Reader): Sides {
  const kept = readFact(reader, 'model_trouble');
  // Written by `keep` alone.
  return kept === null ? { eval: WELL, work: WELL } : (JSON.parse(kept) as Sides);
}

function keep(tx: Tx, role: ModelRole, side: Side): void {
  const sides = { ...readSides(tx), [role]: side };
  const isWell = [sides.eval, sides.work].every(({ inARow, trouble }) => inARow === 0 && trouble === null);
  if (isWell) dropFact(tx, 'model_trouble');
  else keepFact(tx, 'model_trouble', JSON.stringify(sides));
}

const ROLES: Readonly<Record<ModelRole, string>> = {
  eval: 'evaluations (EVAL_MODEL)',
  work: 'work (WORK_MODEL)',
};

/** What is wrong, what that means and what to do, for the operator. */
export function describeModelTrouble({ role, cause, code }: ModelTrouble): string {
  const { what, mend } = WORDS[cause];
  return `${what}, asked for ${ROLES[role]} (${code}): nothing is sold, and what was paid for a step that cannot be done is owed back. ${mend} It is tried every few minutes, and sales open by themselves.`;
}

const WORDS: Readonly<Record<ModelCause, { readonly what: string; readonly mend: string }>> = {
  key_refused: { what: 'The model refuses our key', mend: 'Mend ANTHROPIC_API_KEY and restart Timmy.' },
  no_such_model: {
    what: 'The model does not exist there, or has been retired',
    mend: 'Set EVAL_MODEL and WORK_MODEL, and their rates, to models of today and restart Timmy.',
  },
  wrong_address: {
    what: 'The address of the model is not its API',
    mend: 'Mend ANTHROPIC_BASE_URL and restart Timmy.',
  },
  spending_limit: {
    what: 'The account of the model has reached its limit of spending or its credit',
    mend: 'Raise the limit, or pay in.',
  },
  no_answers: {
    what: 'The model answers, but not as asked, several times in a row',
    mend: 'See that ANTHROPIC_BASE_URL speaks the Messages API, with structured outputs and usage, and that the model can do them.',
  },
};
