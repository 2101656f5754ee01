import { automaticDestination, mayTell, setPreferences, type Texts } from '../customers/index.ts';
import type { Reader, Tx } from '../db/index.ts';
import type { Engine } from '../engine/index.ts';
import { wholeSats, type UnixSeconds } from '../lib/units.ts';
import { enqueue } from '../messaging/index.ts';
import { claimableDebts, payAutomatically, tellOrdersOf, type DebtRow } from '../payments/index.ts';
import { sumOf } from './address-invoice.ts';

const DAY = 86_400;

export interface GiveUpOptions {
  readonly texts: Texts;
  readonly engine: Engine;
  /** `REFUND_ASK_MIN_SATS`: nobody is asked for an address for less. */
  readonly askMinSats: number;
}

/**
 * What follows when an address was given up: the next one known is tried; where none is, people are asked for another,
 * once, and programs see it in their orders.
 */
export function giveUp(options: GiveUpOptions, tx: Tx, owner: string, destination: string, now: UnixSeconds): void {
  const debts = claimableDebts(tx, owner);
  if (debts.length === 0) return;
  const next = automaticDestination(tx, owner);
  if (next === null) tellOrdersOf(tx, debts, now);
  else payAutomatically(tx, owner, now, now);
  if (!hasPeoplesOrder(options.engine, tx, debts)) return;
  const sats = wholeSats(sumOf(debts));
  if (!mayTell(tx, owner, `gave up ${destination} ${sats}`, DAY, now)) return;
  const isAsked = next === null && sats >= options.askMinSats;
  if (isAsked) setPreferences(tx, owner, { askedAtMsats: sats * 1000 });
  const then = isAsked
    ? `They are still yours: send an invoice for exactly ${sats} sats, or another Lightning address.`
    : next === null
      ? 'They are kept for you: refund pays them out.'
      : `They go to ${next} now.`;
  const text = `I could not pay your ${sats} sats to ${destination} for an hour. ${then}`;
  enqueue(tx, options.texts, { to: owner, text, paid: true }, now);
}

/** Programs hear of refunds through their orders' notifications. */
function hasPeoplesOrder(engine: Engine, reader: Reader, debts: readonly DebtRow[]): boolean {
  return debts.some((debt) => engine.product(debt.orderKind).find(reader, debt.orderId)?.dialect !== 'rpc');
}
