import { keepFact, readFact, statement, type Reader, type Tx } from '../db/index.ts';
import type { Wallet, WalletRow } from '../ports/wallet.ts';
import type { Moved } from './reconcile-balance.ts';

/** Rows asked for at a time; LNbits gives no more. */
const ROWS = 1000;
/** A row may show later than the time it bears: so much of what was read is read again. Seconds, of the wallet's clock. */
const READ_AGAIN_SECONDS = 120;

/** Who answers, and what it holds. */
export interface WalletAnswer {
  /** Which wallet it is (`lnbits:bitcoin:<id>`). */
  readonly identity: string;
  readonly version: string | null;
  readonly balanceMsats: bigint;
}

/** @throws OutsideError */
export async function askWallet(wallet: Wallet, signal: AbortSignal): Promise<WalletAnswer> {
  const { walletId, version, balanceMsats } = await wallet.contact(signal);
  return { identity: `${wallet.kind}:${wallet.network}:${walletId}`, version, balanceMsats };
}

/**
 * How far the wallet's own list of payments has been read. The list is ordered by when its rows last changed, the
 * latest first, so that whatever was paid since the last look stands above what was read then. Times of the wallet's
 * clock. Durable: a restart reads on where it stopped.
 */
export interface Progress {
  /** Everything that changed until then has been read; null: the list was not yet read to its end. */
  readonly through: number | null;
  /** A reading of more than one page: the latest change when it began, and how many rows lie behind it. */
  readonly under: { readonly top: number; readonly offset: number } | null;
}

export const UNREAD: Progress = { through: null, under: null };

export function readProgress(reader: Reader): Progress {
  const kept = readFact(reader, 'wallet_read');
  // Written by `keepProgress` alone.
  return kept === null ? UNREAD : (JSON.parse(kept) as Progress);
}

export function keepProgress(tx: Tx, progress: Progress): void {
  keepFact(tx, 'wallet_read', JSON.stringify(progress));
}

export interface PageRead {
  readonly rows: readonly WalletRow[];
  readonly progress: Progress;
  /** What was read in one go from the latest change down to what was known: the books can be compared now. */
  readonly isWhole: boolean;
}

/**
 * Reads one page. What changes between two pages comes in above them and pushes the rest down, so that nothing is
 * skipped; it is read by the next reading, which begins at the top again.
 *
 * @throws OutsideError
 */
export async function readPage(
  wallet: Pick<Wallet, 'changes'>,
  { through, under }: Progress,
  signal: AbortSignal,
  size = ROWS,
): Promise<PageRead> {
  const offset = under?.offset ?? 0;
  const { rows, isLast } = await wallet.changes(offset, size, signal);
  const times = rows.map((row) => row.changedAt);
  const top = under?.top ?? Math.max(0, ...times);
  const isRead = isLast || (through !== null && times.some((time) => time <= through));
  if (!isRead) return { rows, progress: { through, under: { top, offset: offset + size } }, isWhole: false };
  const isWhole = offset === 0;
  return { rows, progress: { through: Math.max(0, isWhole ? top - READ_AGAIN_SECONDS : top), under: null }, isWhole };
}

/**
 * The wallet's rows of payouts by which wallet and books may rightly differ, and which no page brought. There are few:
 * those under way, and those that a person decided.
 *
 * @throws OutsideError
 */
export async function readPayoutRows(
  wallet: Wallet,
  reader: Reader,
  known: readonly WalletRow[],
  signal: AbortSignal,
): Promise<WalletRow[]> {
  const seen = new Set(known.filter((row) => row.direction === 'out').map((row) => row.paymentHash));
  const found: WalletRow[] = [];
  for (const { hash } of openOrDecided(reader, Number.MAX_SAFE_INTEGER)) {
    if (seen.has(hash)) continue;
    found.push(...(await wallet.rowsOf(hash, signal)).filter((row) => row.direction === 'out'));
  }
  return found;
}

export interface PayoutRecord {
  readonly hash: string;
  readonly amount: number;
  readonly state: 'committed' | 'sent' | 'paid' | 'dead';
  readonly sentAt: number | null;
  /** What the books have let go for it. Msats. */
  readonly booked: number;
  /** Did it end after the transfer asked about? */
  readonly hasJustEnded: 0 | 1;
}

/**
 * Payouts by which wallet and books may rightly differ: those under way, those that ended after transfer `since`, and
 * those that a person decided.
 */
export function openOrDecided(reader: Reader, since: number): PayoutRecord[] {
  return statement(
    reader,
    `WITH ended AS (SELECT substr(cause, 1, 64) AS hash FROM transfers
       WHERE seq > ? AND kind IN ('refund_paid', 'refund_dead'))
     SELECT p.payment_hash AS hash, p.amount_msats AS amount, p.state AS state, p.sent_at AS sentAt,
       (SELECT coalesce(sum(amount_msats), 0) FROM transfers
        WHERE kind IN ('refund_paid', 'routing_fee') AND cause = p.payment_hash) AS booked,
       p.payment_hash IN (SELECT hash FROM ended) AS hasJustEnded
     FROM payouts p WHERE p.state IN ('committed', 'sent') OR p.payment_hash IN (SELECT hash FROM ended) OR EXISTS
       (SELECT 1 FROM hand_decisions h WHERE h.payment_hash = p.payment_hash AND h.what IN ('paid', 'dead') AND h.result = 'done')`,
  ).all(since) as PayoutRecord[];
}

/** Where the books stood when the wallet began to be read: what moves later may be missing in its answers. */
export interface Bookmark {
  /** The last transfer. */
  readonly seq: number;
  /** Payouts under way, and how they stood. */
  readonly payouts: ReadonlyMap<string, string>;
}

export function markBooks(reader: Reader): Bookmark {
  const { seq } = statement(reader, 'SELECT coalesce(max(seq), 0) AS seq FROM transfers').get() as { seq: number };
  return { seq, payouts: new Map(openOrDecided(reader, seq).map((payout) => [payout.hash, standingOf(payout)])) };
}

/** Has something happened to this payout since? */
export function hasMoved(mark: Bookmark, payout: PayoutRecord): boolean {
  return payout.hasJustEnded === 1 || mark.payouts.get(payout.hash) !== standingOf(payout);
}

function standingOf({ state, sentAt }: PayoutRecord): string {
  return `${state} ${sentAt ?? 'unsent'}`;
}

/** What came into the books' wallet and left it after the bookmark, payouts apart. */
export function movedSince(reader: Reader, { seq }: Bookmark): Moved {
  const row = statement(
    reader,
    `SELECT coalesce(sum(CASE WHEN debit = 'wallet' THEN amount_msats END), 0) AS came,
       coalesce(sum(CASE WHEN credit = 'wallet' AND kind NOT IN ('refund_paid', 'routing_fee') THEN amount_msats END), 0) AS went
     FROM transfers WHERE seq > ?`,
  ).get(seq) as { came: number; went: number };
  return { inMsats: BigInt(row.came), outMsats: BigInt(row.went) };
}

/** Everything that changed since the wallet was last read to its end, or its whole list if it is new to us. */
export interface WalletReading extends WalletAnswer {
  readonly mark: Bookmark;
  /** Did it hold the same after its list was read as before? Then what the list brought was in the balance already. */
  readonly isStill: boolean;
  readonly pages: readonly (readonly WalletRow[])[];
  readonly progress: Progress;
}

/** Reads until the end, however long that takes. @throws OutsideError, also when `signal` ends it. */
export async function readWallet(wallet: Wallet, reader: Reader, signal: AbortSignal): Promise<WalletReading> {
  const mark = markBooks(reader);
  const answer = await askWallet(wallet, signal);
  const isKnown = readFact(reader, 'wallet') === answer.identity;
  const pages: (readonly WalletRow[])[] = [];
  let progress: Progress = { through: isKnown ? readProgress(reader).through : null, under: null };
  do {
    const page = await readPage(wallet, progress, signal);
    pages.push(page.rows);
    progress = page.progress;
  } while (progress.under !== null);
  pages.push(await readPayoutRows(wallet, reader, pages.flat(), signal));
  const isStill = (await askWallet(wallet, signal)).balanceMsats === answer.balanceMsats;
  return { ...answer, mark, isStill, pages, progress };
}
