import { statement, type Reader, type Tx } from '../../../db/index.ts';
import type { Rng } from '../../../lib/rng.ts';
import { msats, unixSeconds, type Msats, type UnixSeconds } from '../../../lib/units.ts';
import type { WalletRow } from '../../../ports/wallet.ts';

export interface StubIdentity {
  readonly walletId: string;
  readonly secretKey: Uint8Array;
}

export interface StubInvoice {
  readonly paymentHash: string;
  readonly bolt11: string;
  readonly amountMsats: Msats;
  readonly preimage: string;
  readonly description: string;
  readonly label: string;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
  readonly paidAt: UnixSeconds | null;
}

/** The wallet of this database, made if it has none. */
export function loadIdentity(tx: Tx, rng: Rng): StubIdentity {
  const fresh = { walletId: `stub-${hex(rng.bytes(8))}`, secretKey: hex(rng.bytes(32)) };
  statement(
    tx,
    'INSERT INTO stub_wallet (id, wallet_id, secret_key) VALUES (1, @walletId, @secretKey) ON CONFLICT DO NOTHING',
  ).run(fresh);
  const row = statement(tx, 'SELECT wallet_id, secret_key FROM stub_wallet').get() as {
    wallet_id: string;
    secret_key: string;
  };
  return { walletId: row.wallet_id, secretKey: Buffer.from(row.secret_key, 'hex') };
}

export function saveInvoice(tx: Tx, invoice: StubInvoice): void {
  statement(
    tx,
    `INSERT INTO stub_invoices
       (payment_hash, bolt11, amount_msats, preimage, description, label, created_at, expires_at, paid_at)
     VALUES (@paymentHash, @bolt11, @amountMsats, @preimage, @description, @label, @createdAt, @expiresAt, @paidAt)`,
  ).run(invoice);
}

export function loadInvoice(reader: Reader, paymentHash: string): StubInvoice | null {
  const row = statement(
    reader,
    `SELECT payment_hash AS paymentHash, bolt11, amount_msats AS amountMsats, preimage, description, label,
            created_at AS createdAt, expires_at AS expiresAt, paid_at AS paidAt
     FROM stub_invoices WHERE payment_hash = ?`,
  ).get(paymentHash) as (Omit<StubInvoice, 'amountMsats'> & { amountMsats: number }) | undefined;
  return row === undefined ? null : { ...row, amountMsats: msats(BigInt(row.amountMsats)) };
}

export function markPaid(tx: Tx, paymentHash: string, now: UnixSeconds): void {
  statement(tx, 'UPDATE stub_invoices SET paid_at = ? WHERE payment_hash = ? AND paid_at IS NULL').run(
    now,
    paymentHash,
  );
}

/** Hashes of invoices paid at `since` or later. */
export function paidSince(reader: Reader, since: UnixSeconds): string[] {
  const rows = statement(reader, 'SELECT payment_hash FROM stub_invoices WHERE paid_at >= ?').all(since);
  return (rows as { payment_hash: string }[]).map((row) => row.payment_hash);
}

export function savePayment(
  tx: Tx,
  payment: { paymentHash: string; bolt11: string; amountMsats: Msats; label: string; createdAt: UnixSeconds },
): void {
  statement(
    tx,
    `INSERT INTO stub_payments (payment_hash, bolt11, amount_msats, label, created_at)
     VALUES (@paymentHash, @bolt11, @amountMsats, @label, @createdAt)`,
  ).run(payment);
}

export function hasPayment(reader: Reader, paymentHash: string): boolean {
  return statement(reader, 'SELECT 1 FROM stub_payments WHERE payment_hash = ?').get(paymentHash) !== undefined;
}

/** What came in, less what went out; msats. */
export function balance(reader: Reader): Msats {
  const row = statement(
    reader,
    `SELECT (SELECT coalesce(sum(amount_msats), 0) FROM stub_invoices WHERE paid_at IS NOT NULL)
          - (SELECT coalesce(sum(amount_msats), 0) FROM stub_payments) AS msats`,
  ).get() as { msats: number };
  return msats(BigInt(row.msats));
}

const ROWS = `
  SELECT payment_hash AS paymentHash, 'in' AS direction, CASE WHEN paid_at IS NULL THEN 'open' ELSE 'paid' END AS state,
         amount_msats AS amountMsats, created_at AS createdAt, coalesce(paid_at, created_at) AS changedAt, label
  FROM stub_invoices
  UNION ALL
  SELECT payment_hash, 'out', 'paid', amount_msats, created_at, created_at, label FROM stub_payments`;

/** The latest change first; of one second, what was paid before what was made. */
export function changedRows(reader: Reader, offset: number, limit: number): WalletRow[] {
  const sql = `SELECT * FROM (${ROWS}) ORDER BY changedAt DESC, state DESC, paymentHash LIMIT ? OFFSET ?`;
  return (statement(reader, sql).all(limit, offset) as StoredRow[]).map(walletRow);
}

export function rowsOf(reader: Reader, paymentHash: string): WalletRow[] {
  const sql = `SELECT * FROM (${ROWS}) WHERE paymentHash = ?`;
  return (statement(reader, sql).all(paymentHash) as StoredRow[]).map(walletRow);
}

type StoredRow = Pick<WalletRow, 'paymentHash' | 'direction' | 'state' | 'label'> & {
  amountMsats: number;
  createdAt: number;
  changedAt: number;
};

function walletRow(row: StoredRow): WalletRow {
  return {
    ...row,
    amountMsats: msats(BigInt(row.amountMsats)),
    feeMsats: msats(0n),
    createdAt: unixSeconds(row.createdAt),
    changedAt: unixSeconds(row.changedAt),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
