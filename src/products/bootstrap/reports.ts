import { z } from 'zod';
import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const count = z.int().min(0).max(MAX);
const version = z.string().max(60).nullable();

/** `node.report`: what a node says of itself. What it does not know is null. */
export const reportParams = z.strictObject({
  order: z.string().max(16),
  seq: count,
  height: count.nullable(),
  headers: count.nullable(),
  progress_ppm: z.int().min(0).max(1_000_000).nullable(),
  synced: z.boolean(),
  peers: count.nullable(),
  disk_free_mb: count.nullable(),
  disk_total_mb: count.nullable(),
  bitcoind: version,
  lnd: version,
  lnbits: z.boolean(),
  trouble: z.array(z.string().regex(/^[a-z_]{1,32}$/)).max(16),
});

export type NodeReport = z.infer<typeof reportParams>;

/** Keeps the newest. @returns the trouble that it did not have before. */
export function keepReport(tx: Tx, pubkey: string, report: NodeReport, at: UnixSeconds): readonly string[] {
  const before = reportOf(tx, pubkey);
  const known = statement(tx, 'SELECT seq FROM node_reports WHERE pubkey = ?').get(pubkey) as
    { seq: number } | undefined;
  if (known !== undefined && known.seq >= report.seq) return [];
  statement(
    tx,
    `INSERT INTO node_reports (pubkey, order_id, seq, at, report) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (pubkey) DO UPDATE SET seq = excluded.seq, at = excluded.at, report = excluded.report`,
  ).run(pubkey, report.order, report.seq, at, JSON.stringify(report));
  return report.trouble.filter((one) => before?.trouble.includes(one) !== true);
}

/** What this node last said, and when. */
export function reportOf(reader: Reader, pubkey: string): (NodeReport & { readonly at: number }) | null {
  const row = statement(reader, 'SELECT at, report FROM node_reports WHERE pubkey = ?').get(pubkey) as
    { at: number; report: string } | undefined;
  return row === undefined ? null : { ...(JSON.parse(row.report) as NodeReport), at: row.at };
}
