import { dropFact, keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { OutsideError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { atTime } from './at-time.ts';

/**
 * Why the wallet is of no use. The first three are seen when it is read, the others when it should make an invoice
 * while it answers otherwise: then its node is away, or it has a limit of its own.
 */
export type TroubleCause = 'key_refused' | 'unreachable' | 'not_installed' | 'node_away' | 'invoices_refused';

export interface WalletTrouble {
  readonly cause: TroubleCause;
  /** Our own code for the last failure. */
  readonly code: string;
  /** The first of the failures that have not been followed by a success. */
  readonly since: number;
  /** When the operators were told of which cause. */
  readonly told: Readonly<Partial<Record<TroubleCause, number>>>;
}

type Side = 'reading' | 'issuing';
type Troubles = Readonly<Record<Side, WalletTrouble | null>>;

export interface TroubleOptions {
  readonly log: Log;
  /** Tells the operators. */
  readonly alert: (tx: Tx, what: string) => void;
}

/** A failure that has passed by then is nobody's business. */
const TELL_AFTER_SECONDS = 300;
const TELL_AGAIN_SECONDS = 6 * 3600;
/** Trouble is looked at again so soon. */
export const TROUBLE_SECONDS = 60;
/** A payout that waits may wait for the node. */
const PAYOUT_WAITS_SECONDS = 60;
const PAYOUT_WAITED_SECONDS = 900;

/** What ails the wallet now, the worst first. A wallet that cannot be read hides what else is wrong with it. */
export function walletTrouble(reader: Reader): WalletTrouble | null {
  const { reading, issuing } = readTroubles(reader);
  return reading ?? issuing;
}

/** The wallet could not be read. */
export function noteUnread(tx: Tx, options: TroubleOptions, error: OutsideError, now: UnixSeconds): void {
  note(tx, options, 'reading', error, now);
  tell(tx, options, 'reading', now);
}

/** The wallet was read. `node`: what came of asking it for an invoice, undefined where it was not asked. */
export function noteRead(
  tx: Tx,
  options: TroubleOptions,
  node: OutsideError | 'there' | undefined,
  now: UnixSeconds,
): void {
  end(tx, options, 'reading', now);
  if (node === 'there') return end(tx, options, 'issuing', now);
  if (node !== undefined) note(tx, options, 'issuing', node, now);
  tell(tx, options, 'issuing', now);
}

/** An invoice could not be made. Whether that is a matter of the node, the next comparison finds out. */
export function noteUnissued(tx: Tx, log: Log, error: OutsideError, now: UnixSeconds): void {
  // Too many calls is no word on the node.
  if (error.message === 'wallet.busy' || readTroubles(tx).issuing !== null) return;
  note(tx, { log }, 'issuing', error, now);
}

/** Should the node be asked for? When invoices failed, and when a payout waits, which may be for the node. */
export function isNodeInDoubt(reader: Reader, now: UnixSeconds): boolean {
  if (readTroubles(reader).issuing !== null) return true;
  const sql = `SELECT 1 FROM payouts WHERE state = 'committed' AND created_at BETWEEN ? AND ? LIMIT 1`;
  return statement(reader, sql).get(now - PAYOUT_WAITED_SECONDS, now - PAYOUT_WAITS_SECONDS) !== undefined;
}

function readTroubles(reader: Reader): Troubles {
  const kept = readFact(reader, 'wallet_trouble');
  // Written by `keep` alone.
  return kept === null ? { reading: null, issuing: null } : (JSON.parse(kept) as Troubles);
}

function keep(tx: Tx, side: Side, trouble: WalletTrouble | null): void {
  const all = { ...readTroubles(tx), [side]: trouble };
  if (all.reading === null && all.issuing === null) dropFact(tx, 'wallet_trouble');
  else keepFact(tx, 'wallet_trouble', JSON.stringify(all));
}

function note(tx: Tx, { log }: Pick<TroubleOptions, 'log'>, side: Side, error: OutsideError, now: UnixSeconds): void {
  const before = readTroubles(tx)[side];
  const cause = causeOf(side, error);
  if (before?.cause !== cause) log.warn('wallet.trouble', { cause, code: error.message });
  keep(tx, side, { cause, code: error.message, since: before?.since ?? now, told: before?.told ?? {} });
}

/** Once for each cause, when it lasts, and again after hours. */
function tell(tx: Tx, { alert }: TroubleOptions, side: Side, now: UnixSeconds): void {
  const trouble = readTroubles(tx)[side];
  if (trouble === null || now - trouble.since < TELL_AFTER_SECONDS) return;
  const told = trouble.told[trouble.cause];
  if (told !== undefined && now - told < TELL_AGAIN_SECONDS) return;
  keep(tx, side, { ...trouble, told: { ...trouble.told, [trouble.cause]: now } });
  alert(tx, describeTrouble(trouble));
}

function end(tx: Tx, { log, alert }: TroubleOptions, side: Side, now: UnixSeconds): void {
  const trouble = readTroubles(tx)[side];
  if (trouble === null) return;
  keep(tx, side, null);
  log.info('wallet.well', { was: trouble.cause, seconds: now - trouble.since });
  if (Object.keys(trouble.told).length === 0) return;
  const again = side === 'reading' ? 'answers again' : 'makes invoices again';
  alert(tx, `The wallet ${again}. It did not from ${atTime(trouble.since)} to ${atTime(now)}.`);
}

function causeOf(side: Side, { fault, message }: OutsideError): TroubleCause {
  if (side === 'issuing') return fault === 'rejected' ? 'invoices_refused' : 'node_away';
  if (fault === 'rejected') return 'key_refused';
  return message === 'wallet.redirected' ? 'not_installed' : 'unreachable';
}

/** What is wrong and since when, what that means, what to do. */
export function describeTrouble({ cause, code, since }: WalletTrouble): string {
  const { what, so, mend } = WORDS[cause];
  return `${what} since ${atTime(since)} (${code}): ${so}. ${mend}`;
}

const NOTHING_GOES = 'nothing is sold, no payment is seen and no refund goes out';
const NOTHING_IS_SOLD = 'nothing is sold, and refunds wait';

const WORDS: Readonly<Record<TroubleCause, { readonly what: string; readonly so: string; readonly mend: string }>> = {
  key_refused: {
    what: 'The wallet refuses our key',
    so: NOTHING_GOES,
    mend: 'Compare LNBITS_API_KEY and LNBITS_ADMIN_KEY with the keys that LNbits shows for the wallet, and restart Timmy with the right ones.',
  },
  unreachable: {
    what: 'The wallet does not answer',
    so: NOTHING_GOES,
    mend: 'See that LNbits runs, that LNBITS_URL is its address, and that this machine reaches it.',
  },
  not_installed: {
    what: 'The wallet only sends us elsewhere',
    so: NOTHING_GOES,
    mend: 'Either the first install of LNbits is pending: open it in a browser and finish it. Or LNBITS_URL is not quite its address.',
  },
  node_away: {
    what: 'The wallet answers but makes no invoices, so its Lightning node is away,',
    so: NOTHING_IS_SOLD,
    mend: 'Start the node. If it runs, restart LNbits: one that started without its node does without it until it is restarted.',
  },
  invoices_refused: {
    what: 'The wallet refuses to make invoices',
    so: NOTHING_IS_SOLD,
    mend: 'It has a limit of its own (the largest invoice, the largest balance), or forbids it to our key: look at its settings.',
  },
};
