import { findCustomer, meet, mayTell, type Texts } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import type { Log } from '../lib/log.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { enqueue } from '../messaging/index.ts';

export interface AlertOptions {
  readonly texts: Texts;
  readonly log: Log;
  /** Operators' keys, hex. */
  readonly operators: readonly string[];
}

/** Tells the operators by DM what needs a person; the same words at most once an hour. */
export function sendAlert(options: AlertOptions, tx: Tx, what: string, now: UnixSeconds): void {
  options.log.warn('operator.alert', { operators: options.operators.length });
  for (const operator of options.operators) {
    if (findCustomer(tx, operator) === undefined) meet(tx, operator, 'nip17', null, now);
    if (mayTell(tx, operator, `alert:${what}`, 3600, now))
      enqueue(tx, options.texts, { to: operator, text: `Alert: ${what}` }, now);
  }
}
