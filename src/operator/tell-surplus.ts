import type { Texts } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import type { Engine } from '../engine/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { enqueue } from '../messaging/index.ts';
import type { Surplus } from '../payments/index.ts';
import { owedSentence } from '../products/_shared/owed-words.ts';

export interface SurplusNewsOptions {
  readonly texts: Texts;
  readonly engine: Engine;
  /** `REFUND_ASK_MIN_SATS`. */
  readonly askMinSats: number;
}

/** Tells a customer of money that came a second time; programs hear of it through their order's notifications. */
export function tellSurplus(options: SurplusNewsOptions, tx: Tx, surplus: Surplus, now: UnixSeconds): void {
  const { owner, orderKind, orderId, amountSats } = surplus;
  if (options.engine.product(orderKind).find(tx, orderId)?.dialect === 'rpc') return;
  const owed = owedSentence(tx, owner, amountSats, options.askMinSats);
  const text = `${amountSats} sats more came for ${orderId} than I asked for. ${owed}`;
  enqueue(tx, options.texts, { to: owner, text, orderId }, now);
}
