import type { Texts } from '../../customers/index.ts';
import { statement, type Tx } from '../../db/index.ts';
import { reachingBack } from '../../downtime/index.ts';
import { plusSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { PublishResult } from '../../ports/relays.ts';
import { cancelTask, schedule } from '../../tasks/index.ts';
import { loadOutgoing } from '../outbox.ts';
import { giveUpAfter, nextTryIn } from './patience.ts';
import { MAX_WORK_BITS } from './work.ts';

/** A relay that says nothing for so long is passed by: the next way is taken beside it. Seconds. */
const CLIMB_AFTER = 4;
/** When every way was tried in vain, lists are looked up anew after so long. Seconds. */
const ROUTE_AFTER = 60;

/** Work that a relay asks for takes no longer, or is given up. Seconds. */
const WORK_WITHIN = 90;

interface Counts {
  readonly relays: number;
  readonly accepted: number;
  readonly pending: number;
  readonly untried: number;
}

export interface Sealed {
  /** The signed event, JSON. */
  readonly event: string;
  readonly eventId: string;
  readonly rumorId: string;
}

/** Keeps the signed bytes and owes them to the relays of the best way. From here on the same bytes are sent. */
export function keepSealed(
  tx: Tx,
  id: number,
  sealed: Sealed,
  ways: readonly (readonly string[])[],
  nearNow: boolean,
  now: UnixSeconds,
): void {
  statement(
    tx,
    `UPDATE outbox SET state = 'sealed', event = @event, event_id = @eventId, rumor_id = @rumorId, near_now = @nearNow,
       rungs = max(rungs, 1), climb_at = @climbAt WHERE id = @id`,
  ).run({ id, ...sealed, nearNow: nearNow ? 1 : 0, climbAt: plusSeconds(now, CLIMB_AFTER) });
  if (nearNow) {
    // Other bytes: every relay that has none yet is asked again.
    statement(
      tx,
      `UPDATE outbox_relays SET state = 'pending', why = NULL, due_at = ?, event = NULL WHERE outbox_id = ? AND state <> 'accepted'`,
    ).run(now, id);
  }
  enlist(tx, id, ways, loadOutgoing(tx, id).rungs, now);
}

/** Owes the bytes to the relays of the first `rungs` ways. @returns whether one of them is new. */
export function enlist(
  tx: Tx,
  id: number,
  ways: readonly (readonly string[])[],
  rungs: number,
  now: UnixSeconds,
): boolean {
  let isNew = false;
  for (const [rung, relays] of ways.slice(0, rungs).entries()) {
    for (const relay of relays) {
      const { changes } = statement(
        tx,
        `INSERT INTO outbox_relays (outbox_id, relay, state, rung, due_at, tries, at) VALUES (@id, @relay, 'pending', @rung, @now, 0, @now)
         ON CONFLICT DO NOTHING`,
      ).run({ id, relay, rung, now });
      if (changes > 0) isNew = true;
    }
  }
  return isNew;
}

/** Takes the next way to the reader, where there is one and nobody has taken the message. */
export function climb(tx: Tx, id: number, ways: readonly (readonly string[])[], now: UnixSeconds): void {
  const message = loadOutgoing(tx, id);
  const isThere = message.state === 'sealed' && message.event !== null && countsOf(tx, id).accepted === 0;
  if (!isThere) {
    statement(tx, 'UPDATE outbox SET climb_at = NULL WHERE id = ?').run(id);
    return;
  }
  for (let rungs = message.rungs + 1; rungs <= ways.length; rungs++) {
    if (!enlist(tx, id, ways, rungs, now)) continue;
    statement(tx, 'UPDATE outbox SET rungs = ?, climb_at = ? WHERE id = ?').run(
      rungs,
      plusSeconds(now, CLIMB_AFTER),
      id,
    );
    return;
  }
  statement(tx, 'UPDATE outbox SET rungs = max(rungs, ?), climb_at = NULL WHERE id = ?').run(ways.length, id);
  judge(tx, id, now);
}

export interface Answered {
  readonly outboxId: number;
  readonly relay: string;
  readonly result: PublishResult;
  /** Did this relay ever take something of ours? Then it is waited for with more patience. */
  readonly isGood: boolean;
}

/** Notes what a relay said, and what follows for the message. @returns what became of it: news to log. */
export function noteAnswer(
  tx: Tx,
  texts: Texts,
  { outboxId: id, relay, result, isGood }: Answered,
  now: UnixSeconds,
): 'delivered' | 'undeliverable' | null {
  const message = loadOutgoing(tx, id);
  if (result.outcome === 'accepted') {
    statement(
      tx,
      `UPDATE outbox_relays SET state = 'accepted', why = NULL, event = NULL, tries = tries + 1, at = ? WHERE outbox_id = ? AND relay = ?`,
    ).run(now, id, relay);
  } else {
    noteFailure(tx, id, relay, result, { isGood, now });
  }
  const news = judge(tx, id, now);
  if (countsOf(tx, id).pending === 0 && loadOutgoing(tx, id).state === 'delivered') letGo(tx, texts, id);
  return message.state === news ? null : news;
}

function noteFailure(
  tx: Tx,
  id: number,
  relay: string,
  result: Exclude<PublishResult, { outcome: 'accepted' }>,
  { isGood, now }: { isGood: boolean; now: UnixSeconds },
): void {
  const row = statement(
    tx,
    `SELECT r.tries, r.event IS NOT NULL AS hasWork, o.paid, o.created_at AS createdAt, o.state, o.near_now AS nearNow, o.protocol
     FROM outbox_relays r JOIN outbox o ON o.id = r.outbox_id WHERE r.outbox_id = ? AND r.relay = ?`,
  ).get(id, relay) as
    | {
        tries: number;
        hasWork: number;
        paid: number;
        createdAt: UnixSeconds;
        state: string;
        nearNow: number;
        protocol: string;
      }
    | undefined;
  if (row === undefined) return;
  const why = result.outcome === 'unknown' ? 'silent' : result.why;
  const age = now - row.createdAt;
  const isPaid = row.paid === 1;
  const patience = giveUpAfter({ isPaid, isDelivered: row.state === 'delivered' });
  const isGivenUp = row.createdAt < reachingBack(tx, now, patience);
  const wait = nextTryIn({ why, tries: row.tries + 1, age, isPaid, isGood });
  statement(
    tx,
    `UPDATE outbox_relays SET state = ?, why = ?, tries = tries + 1, due_at = ?, at = ? WHERE outbox_id = ? AND relay = ?`,
  ).run(isGivenUp ? 'refused' : 'pending', isGivenUp ? 'given-up' : why, plusSeconds(now, wait), now, id, relay);
  if (result.outcome !== 'refused') return;
  const { difficulty } = result;
  const canWork = difficulty !== undefined && difficulty <= MAX_WORK_BITS && row.protocol === 'nip17';
  if (why === 'pow' && canWork && row.hasWork === 0) {
    const payload = { outboxId: id, relay, bits: difficulty };
    schedule(tx, { kind: 'outbox.work', payload, key: `work:${id}:${relay}`, dueAt: now, now });
    // The bytes without it are no use there.
    statement(tx, 'UPDATE outbox_relays SET due_at = ? WHERE outbox_id = ? AND relay = ?').run(
      plusSeconds(now, WORK_WITHIN),
      id,
      relay,
    );
  }
  if (why === 'too-old' && row.nearNow === 0 && row.protocol === 'nip17')
    schedule(tx, {
      kind: 'outbox.seal',
      payload: { outboxId: id, nearNow: true },
      key: nearNowKey(id),
      dueAt: now,
      now,
    });
}

/** Its time is over: offered to nobody any more, and kept until its reader writes. */
export function giveUp(tx: Tx, id: number, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE outbox_relays SET state = 'refused', why = 'given-up', at = ? WHERE outbox_id = ? AND state = 'pending'`,
  ).run(now, id);
  statement(tx, `UPDATE outbox SET climb_at = NULL WHERE id = ?`).run(id);
  judge(tx, id, now);
}

const nearNowKey = (id: number): string => `seal.near:${id}`;

/** A wrap with the work that this relay asked for: it is tried there at once. */
export function keepWork(tx: Tx, id: number, relay: string, event: string, now: UnixSeconds): void {
  statement(
    tx,
    `UPDATE outbox_relays SET event = ?, due_at = ? WHERE outbox_id = ? AND relay = ? AND state = 'pending'`,
  ).run(event, now, id, relay);
}

/**
 * Delivered at two acceptances, or one where every other way in use was tried in vain. Nobody has it and every way
 * was tried: the next way; and where there is none it is undeliverable, until one of them changes its mind.
 */
function judge(tx: Tx, id: number, now: UnixSeconds): 'delivered' | 'undeliverable' | null {
  const counts = countsOf(tx, id);
  const { state, climbAt, recipient } = loadOutgoing(tx, id);
  if (counts.accepted >= Math.min(2, counts.relays) || (counts.accepted > 0 && counts.untried === 0)) {
    statement(tx, `UPDATE outbox SET state = 'delivered', climb_at = NULL WHERE id = ?`).run(id);
    cancelTask(tx, nearNowKey(id), now);
    return 'delivered';
  }
  if (counts.accepted > 0 || counts.untried > 0 || state === 'waiting') return null;
  if (climbAt !== null) {
    // Tried in vain, all of them: there is nothing to wait for.
    statement(tx, 'UPDATE outbox SET climb_at = min(climb_at, ?) WHERE id = ?').run(now, id);
    return null;
  }
  statement(tx, `UPDATE outbox SET state = 'undeliverable' WHERE id = ?`).run(id);
  routeAgain(tx, { recipient }, plusSeconds(now, ROUTE_AFTER), now);
  return 'undeliverable';
}

/** Looks for new ways to this reader at `dueAt`, or sooner where that is planned. */
export function routeAgain(
  tx: Tx,
  route: { readonly recipient: string; readonly wasHeard?: boolean },
  dueAt: UnixSeconds,
  now: UnixSeconds,
): void {
  const key = `outbox.route:${route.recipient}`;
  const planned = statement(tx, `SELECT due_at FROM tasks WHERE key = ? AND state = 'waiting'`).pluck().get(key);
  const isSooner = typeof planned === 'number' && planned <= dueAt;
  if (isSooner && route.wasHeard !== true) return;
  const at = isSooner ? (planned as UnixSeconds) : dueAt;
  schedule(tx, { kind: 'outbox.route', payload: route, key, dueAt: at, now });
}

function countsOf(tx: Tx, id: number): Counts {
  return statement(
    tx,
    `SELECT count(*) AS relays, coalesce(sum(state = 'accepted'), 0) AS accepted, coalesce(sum(state = 'pending'), 0) AS pending,
       coalesce(sum(state = 'pending' AND why IS NULL), 0) AS untried FROM outbox_relays WHERE outbox_id = ?`,
  ).get(id) as Counts;
}

/** Nobody needs the bytes any more; what was said lives on with the order it is about. */
function letGo(tx: Tx, texts: Texts, id: number): void {
  const { textId } = loadOutgoing(tx, id);
  statement(tx, 'UPDATE outbox SET event = NULL, text_id = NULL WHERE id = ?').run(id);
  const shared = statement(tx, 'SELECT 1 FROM rpc_answers WHERE text_id = ?').get(textId);
  if (textId !== null && shared === undefined) texts.erase(tx, textId);
}
