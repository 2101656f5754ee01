import type { Texts } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import type { Engine } from '../engine/index.ts';
import { debtsOfPayout, type PayoutNews, type PayoutRow } from '../payments/index.ts';

/** Tells a customer how their payout stands, in words; programs hear of it through their order's notifications. */
export function tellPayout(
  options: { readonly texts: Texts; readonly engine: Engine },
  tx: Tx,
  payout: PayoutRow,
  news: PayoutNews,
  now: UnixSeconds,
): void {
  const { texts, engine } = options;
  const message = payout.replyTo === null ? null : loadInbound(tx, payout.replyTo);
  if (message?.dialect === 'rpc') return;
  // Paid unasked: whoever made the orders hears of it, in their dialect.
  const orders = debtsOfPayout(tx, payout.paymentHash);
  const isAPerson = orders.some(({ kind, id }) => engine.product(kind).find(tx, id)?.dialect !== 'rpc');
  if (message === null && !isAPerson) return;
  enqueue(
    tx,
    texts,
    { to: payout.owner, text: sentence(payout, news), answering: message, reference: news === 'paid' },
    now,
  );
}

function sentence(payout: PayoutRow, news: PayoutNews): string {
  const amount = Math.floor(payout.amountMsats / 1000);
  const to = payout.destination === null ? '' : ` to ${payout.destination}`;
  switch (news) {
    case 'paid':
      return payout.preimage === null
        ? `Paid out: ${amount} sats${to}. Payment hash: ${payout.paymentHash}.`
        : `Paid out: ${amount} sats${to}. Preimage: ${payout.preimage}.`;
    case 'dead':
      if (payout.destination !== null) {
        return `The ${amount} sats could not be sent${to} just now (no way to that wallet). They are still yours; I try again.`;
      }
      return `The ${amount} sats could not be sent (no way to that wallet, or the invoice ran out). They are still yours: send a fresh invoice for exactly ${amount} sats, valid for an hour.`;
    case 'on_its_way':
      return `The ${amount} sats are on their way. It takes longer than usual; nothing for you to do.`;
    case 'a_person_looks':
      return `The ${amount} sats are still on their way after a day. A person is looking at it; nothing is lost, nothing for you to do.`;
  }
}
