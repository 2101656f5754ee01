import { automaticDestination, findFailing, mayTell } from '../customers/index.ts';
import type { Tx } from '../db/index.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { enqueue, loadInbound } from '../messaging/index.ts';
import { debtIdsOfPayout, debtsOfPayout, isHeldUp, type PayoutNews, type PayoutRow } from '../payments/index.ts';
import { giveUp, type GiveUpOptions } from './give-up.ts';

/**
 * Tells a customer how their payout stands, in words; programs hear of it through their order's notifications. While
 * an address fails again and again, that is said once, and once more when it is given up.
 */
export function tellPayout(
  options: GiveUpOptions,
  tx: Tx,
  payout: PayoutRow,
  news: PayoutNews,
  now: UnixSeconds,
): void {
  const { texts, engine } = options;
  const failing = payout.destination === null ? undefined : findFailing(tx, payout.owner, payout.destination);
  if (news === 'dead' && failing?.givenUpAt != null) {
    return giveUp(options, tx, payout.owner, failing.destination, now);
  }
  const failures = payout.replyTo === null ? (failing?.failures ?? 0) : 0;
  if ((news === 'dead' && failures > 1) || (news === 'on_its_way' && failures > 0)) return;
  // Its invoice ran out while it waited here: another is asked for, and there is nothing to say.
  if (news === 'dead' && payout.error === 'expired' && automaticDestination(tx, payout.owner) !== null) return;
  if (news !== 'paid' && payout.replyTo === null && !isNew(tx, payout, news, now)) return;
  const message = payout.replyTo === null ? null : loadInbound(tx, payout.replyTo);
  if (message?.dialect === 'rpc') return;
  // Paid unasked: whoever made the orders hears of it, in their dialect.
  const orders = debtsOfPayout(tx, payout.paymentHash);
  const isAPerson = orders.some(({ kind, id }) => engine.product(kind).find(tx, id)?.dialect !== 'rpc');
  if (message === null && !isAPerson) return;
  enqueue(
    tx,
    texts,
    { to: payout.owner, text: sentence(tx, payout, news), answering: message, reference: news === 'paid', paid: true },
    now,
  );
}

/** Each state of debts that are paid unasked is said once, however many attempts it takes. Seconds. */
const ONCE = 60 * 86_400;

function isNew(tx: Tx, payout: PayoutRow, news: PayoutNews, now: UnixSeconds): boolean {
  const debts = debtIdsOfPayout(tx, payout.paymentHash).join(' ');
  return mayTell(tx, payout.owner, `payout ${news} ${payout.destination ?? ''} ${sha256Hex(debts)}`, ONCE, now);
}

function sentence(tx: Tx, payout: PayoutRow, news: PayoutNews): string {
  const amount = Math.floor(payout.amountMsats / 1000);
  const to = payout.destination === null ? '' : ` to ${payout.destination}`;
  switch (news) {
    case 'paid':
      return payout.preimage === null
        ? `Paid out: ${amount} sats${to}. Payment hash: ${payout.paymentHash}.`
        : `Paid out: ${amount} sats${to}. Preimage: ${payout.preimage}.`;
    case 'dead':
      if (payout.destination !== null) {
        const then =
          automaticDestination(tx, payout.owner) === null
            ? 'They are still yours: refund tries again, or send an invoice or another address.'
            : 'They are still yours; I try again.';
        return `The ${amount} sats could not be sent${to} just now (no way to that wallet). ${then}`;
      }
      return `The ${amount} sats could not be sent (no way to that wallet, or the invoice ran out). They are still yours: send a fresh invoice for exactly ${amount} sats, valid for an hour.`;
    case 'on_its_way':
      if (isHeldUp(tx, payout))
        return `The ${amount} sats are yours and go out as soon as my wallet can pay. Nothing for you to do.`;
      return `The ${amount} sats are on their way. It takes longer than usual; nothing for you to do.`;
    case 'a_person_looks':
      if (isHeldUp(tx, payout))
        return `The ${amount} sats still wait for my wallet after a day. A person is looking at it; nothing is lost, nothing for you to do.`;
      return `The ${amount} sats are still on their way after a day. A person is looking at it; nothing is lost, nothing for you to do.`;
  }
}
