import { mayTell } from '../customers/index.ts';
import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Wallet } from '../ports/wallet.ts';
import { isUnsent, type PayoutRow } from './payouts.ts';

/** Why a committed payout is not sent yet. */
export type PayoutWait =
  | 'stopped'
  | 'no_admin_key'
  | 'above_max'
  | 'daily_max'
  | 'in_flight'
  | 'own_in_flight'
  | 'fees'
  | 'not_covered'
  | 'insufficient'
  | 'limit'
  | 'forbidden'
  | 'key_refused'
  | 'node_away'
  | 'wallet_away';

interface Words {
  readonly what: string;
  readonly mend: string;
  /** Is it told from here? The other reasons have alerts of their own. */
  readonly alerts: boolean;
}

const WORDS: Readonly<Record<PayoutWait, Words>> = {
  stopped: { what: 'sales and payments are stopped', mend: 'See why: timmy status', alerts: false },
  no_admin_key: {
    what: 'no key of the wallet can pay',
    mend: 'Set LNBITS_ADMIN_KEY to the admin key of the same wallet, and restart Timmy',
    alerts: true,
  },
  above_max: {
    what: 'it is above REFUND_MAX_SATS',
    mend: 'If it is right (timmy refunds list), raise that setting and restart Timmy',
    alerts: true,
  },
  daily_max: {
    what: 'refunds have reached REFUND_DAILY_SATS',
    mend: 'If they are right (timmy refunds list), raise that setting and restart Timmy, or wait for tomorrow',
    alerts: true,
  },
  in_flight: {
    what: 'payments whose outcome is open hold REFUND_MAX_IN_FLIGHT places, or a fifth of the wallet',
    mend: 'It goes out when one of them ends. See them: timmy refunds list',
    alerts: true,
  },
  own_in_flight: {
    what: 'two payments to the same customer are under way',
    mend: 'It goes out when one of them ends',
    alerts: false,
  },
  fees: {
    what: 'today’s routing fees (REFUND_FEE_DAILY_SATS, a fifth of it for one customer) are spent',
    mend: 'It goes out when the next day begins (UTC)',
    alerts: false,
  },
  not_covered: {
    what: 'the wallet holds less than the books say, and older refunds take what it holds',
    mend: 'Put the difference into it, or, if you moved it yourself: timmy ledger adopt-wallet',
    alerts: true,
  },
  insufficient: {
    what: 'the wallet does not hold enough for it and its routing reserve',
    mend: 'Put sats into it, then: timmy ledger adopt-wallet --surplus',
    alerts: true,
  },
  limit: { what: 'the wallet refuses to pay (limit)', mend: 'Check the limits in LNbits', alerts: true },
  forbidden: { what: 'the wallet refuses to pay (forbidden)', mend: 'Check its settings and keys', alerts: true },
  key_refused: {
    what: 'the wallet refuses our key for payments',
    mend: 'Check LNBITS_ADMIN_KEY, and restart Timmy',
    alerts: true,
  },
  node_away: {
    what: 'the Lightning node behind the wallet is away',
    mend: 'It goes out when it is back',
    alerts: false,
  },
  wallet_away: { what: 'the wallet does not answer', mend: 'It goes out when it does', alerts: false },
};

/** In words for the operator: what it waits for, and what to do. */
export function describeWait(wait: PayoutWait): string {
  const { what, mend } = WORDS[wait];
  return `${what}. ${mend}.`;
}

const DAY = 86_400;

/** Tells the operators, where nothing else does: once a day for each reason. */
export function alertWait(
  tx: Tx,
  wait: PayoutWait,
  payout: PayoutRow | null,
  alert: (tx: Tx, what: string) => void,
  now: UnixSeconds,
): void {
  const which =
    payout === null || wait !== 'above_max' ? 'Refunds wait' : `A refund of ${payout.amountMsats / 1000} sats waits`;
  const text = `${which}: ${describeWait(wait)}`;
  if (WORDS[wait].alerts && mayTell(tx, 'operators', text, DAY, now)) alert(tx, text);
}

/** What `payout.send` noted when it last tried; null when it has not yet, or was sent. */
export function waitOf(reader: Reader, paymentHash: string): PayoutWait | null {
  const sql = `SELECT payload ->> 'wait' AS wait FROM tasks WHERE kind = 'payout.send' AND payload ->> 'paymentHash' = ?`;
  const row = statement(reader, sql).get(paymentHash) as { wait: PayoutWait | null } | undefined;
  return row?.wait ?? null;
}

/** Does it wait for something before it can be sent? Then it is not on its way yet. */
export function isHeldUp(reader: Reader, payout: PayoutRow): boolean {
  return isUnsent(payout) && waitOf(reader, payout.paymentHash) !== null;
}

export interface WaitingPayouts {
  readonly wait: PayoutWait | null;
  readonly count: number;
  readonly amountMsats: number;
}

/** Payouts that were never sent, by what they wait for. */
export function waitingPayouts(reader: Reader): WaitingPayouts[] {
  return statement(
    reader,
    `SELECT t.payload ->> 'wait' AS wait, count(*) AS count, sum(p.amount_msats) AS amountMsats FROM payouts p
     LEFT JOIN tasks t ON t.kind = 'payout.send' AND t.payload ->> 'paymentHash' = p.payment_hash
     WHERE p.state = 'committed' AND p.sent_at IS NULL GROUP BY 1 ORDER BY 2 DESC`,
  ).all() as WaitingPayouts[];
}

/**
 * Is it certain that no key of ours pays? A wallet that was never reached may turn out to have been given its admin
 * key. @throws OutsideError when it cannot be asked.
 */
export async function lacksKey(wallet: Wallet, signal: AbortSignal): Promise<boolean> {
  if (wallet.canPay) return false;
  await wallet.contact(signal);
  return !wallet.canPay;
}

/** Notes for `timmy status` and for customers whether refunds wait for a key. */
export function noteKeyless(tx: Tx, isKeyless: boolean): void {
  if (isKeyless === isNotedKeyless(tx)) return;
  if (isKeyless) keepFact(tx, 'wallet_keyless', '1');
  else dropFact(tx, 'wallet_keyless');
}

export function isNotedKeyless(reader: Reader): boolean {
  return readFact(reader, 'wallet_keyless') !== null;
}
