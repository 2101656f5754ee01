import { meet, type Texts } from '../customers/index.ts';
import { statement, type Database, type Reader, type Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import type { SteadyClock } from '../lib/steady-clock.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import { sha256Hex } from '../lib/hash.ts';
import type { Log } from '../lib/log.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { openDm } from '../nostr/open.ts';
import { ageOf, STALE_AFTER_SECONDS, type OpenedDm } from '../nostr/opened-dm.ts';
import type { Signer } from '../nostr/signer.ts';
import { schedule } from '../tasks/index.ts';
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
  readonly dialect: 'words' | 'rpc' | null;
  /** The JSON-RPC id, as it is to be echoed. */
  readonly rpcId: RpcId;
  readonly rpcMethod: string | null;
  readonly rpcKey: string | null;
}

export interface InboxOptions {
  readonly database: Database;
  readonly clock: Pick<SteadyClock, 'now' | 'latest'>;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  readonly signer: Signer;
  readonly texts: Texts;
  /** When this data directory was first started. What was written before is not run: it was for another life of this key. */
  readonly bornAt: UnixSeconds;
  /** Called after a message was filed, to wake the worker. */
  readonly onFiled: () => void;
}

export interface Inbox {
  /** Takes in one event from a relay: resolves when it is durable, or known to be worthless. Never throws for bad input. */
  receive(event: unknown, relay: string): Promise<void>;
}

/**
 * Receive once. Many relays bring the same wrap, strangers re-wrap old seals, relays replay: the message is filed
 * under its sender and recomputed rumor id, together with the task that handles it, in one transaction.
 *
 * Opening costs curve arithmetic, so events are opened one after the other with a breath between them.
 */
export function createInbox(options: InboxOptions): Inbox {
  const { database, clock, log, reach, signer, texts } = options;
  const opening = new Map<string, Promise<void>>();
  let queue: Promise<void> = Promise.resolve();

  async function open(event: unknown, relay: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const opened = await openDm(event, signer, clock.now());
    if ('dropped' in opened) {
      log.debug('dm.dropped', { why: opened.dropped, relay });
      return;
    }
    reach('inbox:opened');
    const filed = database.write((tx) => file(tx, opened, relay));
    if (filed) {
      reach('inbox:filed');
      options.onFiled();
    }
  }

  function file(tx: Tx, dm: OpenedDm, relay: string): boolean {
    const now = clock.now();
    statement(tx, 'INSERT INTO seen_wraps (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING').run(dm.wrapId, now);
    if (dm.createdAt < options.bornAt) return false;
    const known = statement(tx, 'SELECT 1 FROM inbox WHERE sender = ? AND rumor_id = ?').get(dm.sender, dm.rumorId);
    if (known !== undefined) return false;
    meet(tx, dm.sender, dm.protocol, relay, now);
    const textId = texts.keep(tx, dm.sender, dm.content, now);
    // Stale by the time that we were there to read it; of the future only where no clock of ours is so far.
    const age = ageOf(dm.createdAt, clock.latest(), reachingBack(tx, now, STALE_AFTER_SECONDS));
    const row = statement(
      tx,
      `INSERT INTO inbox (sender, rumor_id, protocol, kind, created_at, received_at, age, is_group, text_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(dm.sender, dm.rumorId, dm.protocol, dm.kind, dm.createdAt, now, age, dm.group ? 1 : 0, textId);
    const inboxId = Number(row.lastInsertRowid);
    schedule(tx, { kind: 'dm.handle', payload: { inboxId }, lane: `peer:${dm.sender}`, dueAt: now, now });
    return true;
  }

  function isSeen(id: string): boolean {
    return statement(database.read, 'SELECT 1 FROM seen_wraps WHERE id = ?').get(id) !== undefined;
  }

  return {
    receive: (event, relay) => {
      const { id, sig } = (event ?? {}) as { id?: unknown; sig?: unknown };
      if (typeof id !== 'string' || typeof sig !== 'string') return Promise.resolve();
      if (isSeen(id)) return Promise.resolve();
      // The same bytes from another relay wait for the first; a copy that differs anywhere is judged by itself, so
      // that a forgery (even one with the genuine id and signature) cannot hide the genuine event.
      const key = sha256Hex(JSON.stringify(event));
      const underWay = opening.get(key);
      if (underWay !== undefined) return underWay;
      const turn = queue.then(() => (isSeen(id) ? undefined : open(event, relay)));
      queue = turn.catch(() => undefined);
      opening.set(key, turn);
      const forget = (): void => void opening.delete(key);
      turn.then(forget, forget);
      return turn;
    },
  };
}

/** The message of this inbox row. @throws when there is none. */
export function loadInbound(reader: Reader, inboxId: number): InboundMessage {
  const row = statement(
    reader,
    `SELECT id, sender, rumor_id AS rumorId, protocol, kind, created_at AS createdAt, age, is_group AS isGroup,
            text_id AS textId, dialect, rpc_id AS rpcId, rpc_method AS rpcMethod, rpc_key AS rpcKey
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

export function highWater(reader: Reader, relay: string): UnixSeconds | null {
  const row = statement(reader, 'SELECT at FROM high_waters WHERE relay = ?').get(relay) as
    { at: UnixSeconds } | undefined;
  return row?.at ?? null;
}

export function raiseHighWater(tx: Tx, relay: string, at: UnixSeconds): void {
  statement(
    tx,
    'INSERT INTO high_waters (relay, at) VALUES (?, ?) ON CONFLICT (relay) DO UPDATE SET at = max(at, excluded.at)',
  ).run(relay, at);
}
