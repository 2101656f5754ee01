import { findCustomer, mayTell, meet, type Texts } from '../customers/index.ts';
import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { Log } from '../lib/log.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { enqueue, noteAlerted, type StuckAnswer } from '../messaging/index.ts';

export interface AlertOptions {
  readonly texts: Texts;
  readonly log: Log;
  /** Operators' keys, hex. */
  readonly operators: readonly string[];
}

/** The same cause is told once within this. Seconds. */
const SAME_CAUSE = 3600;
/** In all; what is more is counted and said with the next one. */
const AN_HOUR = 10;

/**
 * Tells the operators by DM what needs a person: the same cause (the same words, but for ids and hashes) once an hour,
 * ten in an hour in all, however many strangers would like to be heard through us.
 */
export function sendAlert(options: AlertOptions, tx: Tx, what: string, now: UnixSeconds): void {
  const cause = `alert:${causeOf(what)}`;
  options.log.warn('operator.alert', { operators: options.operators.length, cause: sha256Hex(cause).slice(0, 8) });
  let isHeld = false;
  for (const operator of options.operators) {
    if (findCustomer(tx, operator) === undefined) meet(tx, operator, 'nip17', null, now);
    const isTold = alertsSince(tx, operator, now - 3600) < AN_HOUR && mayTell(tx, operator, cause, SAME_CAUSE, now);
    if (!isTold) {
      isHeld = true;
      continue;
    }
    const held = Number(readFact(tx, 'alerts_held') ?? 0);
    const more = held === 0 ? '' : ` (${held} more were held back: timmy status)`;
    enqueue(tx, options.texts, { to: operator, text: `Alert: ${what}${more}`, paid: true }, now);
  }
  if (isHeld) keepFact(tx, 'alerts_held', String(Number(readFact(tx, 'alerts_held') ?? 0) + 1));
  else dropFact(tx, 'alerts_held');
}

/** Ids and hashes tell no cause from another: whoever can make many of them makes one alert. Amounts do: more is news. */
function causeOf(what: string): string {
  return what.replace(/\b[A-Z]-[0-9A-Z]{5}\b|\b[0-9a-f]{64}\b|\btask \d+/g, '#');
}

function alertsSince(reader: Reader, operator: string, since: number): number {
  const sql = `SELECT count(*) FROM told WHERE pubkey = ? AND what GLOB 'alert:*' AND at > ?`;
  return statement(reader, sql).pluck().get(operator, since) as number;
}

/**
 * Tells of paid answers that nobody has taken for an hour, each once. An alert that does not reach its operator is none of
 * them: alerts about alerts would never end.
 */
export function tellStuck(
  { alert, operators }: { readonly alert: (tx: Tx, what: string) => void; readonly operators: readonly string[] },
  tx: Tx,
  stuck: readonly StuckAnswer[],
  now: UnixSeconds,
): void {
  noteAlerted(tx, stuck, now);
  const answers = stuck.filter(({ recipient }) => !operators.includes(recipient));
  if (answers.length === 0) return;
  const orders = [...new Set(answers.map(({ orderId }) => orderId ?? 'a refund'))].slice(0, 5).join(', ');
  alert(tx, `No relay has taken a paid answer for an hour (${orders}). It goes out when one does. See: timmy status`);
}
