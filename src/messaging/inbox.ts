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
import { OutsideError } from '../lib/errors.ts';
import type { Arrival } from '../ports/relays.ts';
import { schedule } from '../tasks/index.ts';
import type { createAdmission } from './admission.ts';
import { DroppedWraps } from './dropped-wraps.ts';
import { OpeningQueue } from './opening-queue.ts';
import { onReaderHeard } from './publishing/route.ts';

export interface InboxOptions {
  readonly database: Database;
  readonly clock: Pick<SteadyClock, 'now' | 'latest'>;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  readonly signer: Signer;
  readonly texts: Texts;
  /** When this data directory was first started. What was written before is not run: it was for another life of this key. */
  readonly bornAt: UnixSeconds;
  /** Judges a message that was not seen before, before anything of it is kept. */
  readonly admit: ReturnType<typeof createAdmission>;
  /** May anything be taken in now? Not while the disk is nearly full: relays keep what we leave with them. */
  readonly mayTake: () => boolean;
  /** Called after a message was filed, to wake the worker. */
  readonly onFiled: () => void;
}

export interface Inbox {
  /**
   * Takes in one event from a relay: resolves when it is durable, or known to be worthless; rejects when it must be
   * fetched again. Never throws for bad input.
   */
  receive(event: unknown, relay: string, arrival?: Arrival): Promise<void>;
}

/**
 * Receive once. Many relays bring the same wrap, strangers re-wrap old seals, relays replay: the message is filed
 * under its sender and recomputed rumor id, together with the task that handles it, in one transaction.
 *
 * Opening costs curve arithmetic, so events are opened one after the other with a breath between them, live ones first.
 */
export function createInbox(options: InboxOptions): Inbox {
  const { database, clock, log, reach, signer, texts } = options;
  const opening = new Map<string, Promise<void>>();
  const queue = new OpeningQueue();
  const worthless = new DroppedWraps(database);

  async function open(event: unknown, relay: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const opened = await openDm(event, signer, clock.now());
    if ('dropped' in opened) {
      log.debug('dm.dropped', { why: opened.dropped, relay });
      if (opened.verifiedId !== undefined) worthless.note(opened.verifiedId);
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
    const admitted = options.admit(tx, dm.sender, dm.content);
    if (!admitted.keeps && admitted.silent) return false;
    meet(tx, dm.sender, dm.protocol, relay, now);
    onReaderHeard(tx, dm.sender, now);
    const textId = texts.keep(tx, dm.sender, admitted.keeps ? dm.content : admitted.stub, now);
    const [shed, retryAfter] = admitted.keeps ? [null, null] : [admitted.shed, admitted.retryAfter];
    // Stale by the time that we were there to read it; of the future only where no clock of ours is so far.
    const age = ageOf(dm.createdAt, clock.latest(), reachingBack(tx, now, STALE_AFTER_SECONDS));
    const row = statement(
      tx,
      `INSERT INTO inbox (sender, rumor_id, protocol, kind, created_at, received_at, age, is_group, text_id, shed, retry_after)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      dm.sender,
      dm.rumorId,
      dm.protocol,
      dm.kind,
      dm.createdAt,
      now,
      age,
      dm.group ? 1 : 0,
      textId,
      shed,
      retryAfter,
    );
    const inboxId = Number(row.lastInsertRowid);
    schedule(tx, { kind: 'dm.handle', payload: { inboxId }, lane: `peer:${dm.sender}`, dueAt: now, now });
    return true;
  }

  function isSeen(id: string): boolean {
    const seen = statement(database.read, 'SELECT 1 FROM seen_wraps WHERE id = ?').get(id);
    return seen !== undefined || worthless.has(id);
  }

  return {
    receive: (event, relay, arrival = 'live') => {
      const { id, sig } = (event ?? {}) as { id?: unknown; sig?: unknown };
      if (typeof id !== 'string' || typeof sig !== 'string') return Promise.resolve();
      if (isSeen(id)) return Promise.resolve();
      if (!options.mayTake()) return Promise.reject(new OutsideError('unavailable', 'inbox.no_room'));
      // The same bytes from another relay wait for the first; a copy that differs anywhere is judged by itself, so
      // that a forgery (even one with the genuine id and signature) cannot hide the genuine event.
      const key = sha256Hex(JSON.stringify(event));
      const underWay = opening.get(key);
      if (underWay !== undefined) return underWay;
      const turn = queue.run(arrival, relay, async () => (isSeen(id) ? undefined : open(event, relay)));
      opening.set(key, turn);
      const forget = (): void => void opening.delete(key);
      turn.then(forget, forget);
      return turn;
    },
  };
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
