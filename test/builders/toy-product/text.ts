import { customer, type Texts } from '../../../src/customers/index.ts';
import type { Tx } from '../../../src/db/index.ts';
import { openInvoiceOf } from '../../../src/payments/index.ts';
import { owedSentence } from '../../../src/products/_shared/owed-words.ts';
import { PRICE, type Echo, type EchoNotice } from './states.ts';

export interface EchoTextOptions {
  readonly texts: Texts;
  /** `REFUND_ASK_MIN_SATS` */
  readonly askMinSats: number;
}

/** What it says: plain, short, true about the money, and what to send next. */
export function echoWords({ texts, askMinSats }: EchoTextOptions, tx: Tx, echo: Echo, notice: EchoNotice): string[] {
  const { id, owner } = echo;
  switch (notice.type) {
    case 'price':
      return [`${id}. ${PRICE} sats, and your words come back to front. Invoice follows.`];
    case 'invoice': {
      // Alone in its message, so that every client can show its pay button.
      const bolt11 = openInvoiceOf(tx, id)?.bolt11;
      if (bolt11 == null) return [];
      return [customer(tx, owner).uriForm ? `lightning:${bolt11}` : bolt11];
    }
    case 'no_invoice':
      return [`${id}: no invoice could be made just now, and nothing was charged. Please try again in a few minutes.`];
    case 'result':
      return [`Paid. ${texts.read(tx, echo.resultId) ?? ''}\n\n${PRICE} paid, ${PRICE} used.`];
    case 'failed':
      return [`${id} reads the same both ways: nothing to do. ${owedSentence(tx, owner, PRICE, askMinSats)}`];
    case 'cancelled':
      return [`${id} is cancelled. Please do not pay its invoice any more; if you already did, the money is yours.`];
    case 'money_back':
      return [
        `${notice.amountSats} sats more came for ${id}. ${owedSentence(tx, owner, notice.amountSats, askMinSats)}`,
      ];
  }
}

/** How it stands, in one line. */
export function echoStatusLine({ id, state }: Echo): string {
  switch (state) {
    case 'awaiting_payment':
      return `${id}: waits for ${PRICE} sats. invoice ${id} shows it again.`;
    case 'reversing':
      return `${id}: paid, I am turning it round.`;
    case 'failed':
      return `${id}: could not be done. What you paid is yours.`;
    default:
      return `${id}: ${state}.`;
  }
}
