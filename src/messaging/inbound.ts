import { statement, type Reader, type Tx } from '../db/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Shed } from './admission.ts';
import type { RpcId } from './dialects/jsonrpc/index.ts';

/** A message as handlers see it. */
export interface InboundMessage {
  readonly id: number;
  readonly sender: string;
  readonly rumorId: string;
  readonly protocol: 'nip17' | 'nip04';
  readonly kind: number;
  readonly createdAt: UnixSeconds;
  readonly age: 'fresh' | 'stale' | 'future';
  readonly isGroup: boolean;
  readonly textId: number | null;
  /** Why its text was not kept, and after how many seconds its sender may write again (`too_fast`). */
  readonly shed: Shed | null;
  readonly retryAfter: number | null;
  readonly dialect: 'words' | 'rpc' | null;
  /** The JSON-RPC id, as it is to be echoed. */
  readonly rpcId: RpcId;
  readonly rpcMethod: string | null;
  readonly rpcKey: string | null;
}

/** The message of this inbox row. @throws when there is none. */
export function loadInbound(reader: Reader, inboxId: number): InboundMessage {
  const row = statement(
    reader,
    `SELECT id, sender, rumor_id AS rumorId, protocol, kind, created_at AS createdAt, age, is_group AS isGroup,
            text_id AS textId, shed, retry_after AS retryAfter, dialect, rpc_id AS rpcId, rpc_method AS rpcMethod, rpc_key AS rpcKey
     FROM inbox WHERE id = ?`,
  ).get(inboxId) as (Omit<InboundMessage, 'isGroup' | 'rpcId'> & { isGroup: number; rpcId: string | null }) | undefined;
  if (row === undefined) throw new Error('inbox.missing');
  const rpcId = row.rpcId === null ? null : (JSON.parse(row.rpcId) as RpcId);
  return { ...row, isGroup: row.isGroup === 1, rpcId };
}

/** Notes how a message was written, once it has been read, so that its answers use the same dialect. */
export function noteDialect(
  tx: Tx,
  inboxId: number,
  dialect: 'words' | 'rpc',
  rpc?: { id: RpcId; method: string; key: string | null },
): void {
  statement(tx, 'UPDATE inbox SET dialect = ?, rpc_id = ?, rpc_method = ?, rpc_key = ? WHERE id = ?').run(
    dialect,
    rpc === undefined ? null : JSON.stringify(rpc.id),
    rpc?.method ?? null,
    rpc?.key ?? null,
    inboxId,
  );
}
