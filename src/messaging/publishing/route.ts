import { statement, type Reader, type Tx } from '../../db/index.ts';
import { plusSeconds, type UnixSeconds } from '../../lib/units.ts';
import { schedule, type Commit, type TaskKind } from '../../tasks/index.ts';
import { askedForLists, keepLists, ladder, lookUpLists } from './ladder.ts';
import { giveUpAfter } from './patience.ts';
import { enlist, routeAgain } from './progress.ts';
import type { DeliveryOptions } from './seal.ts';

/** Lists that were looked up so lately are not looked up again. Seconds. */
const LISTS_ARE_NEW = 20;
const AGAIN_AFTER = 600;
const AGAIN_LATER = 3600;
const DAY = 86_400;
/** NIP-59's own window: an older wrap is beyond what readers and relays look back for. Seconds. */
const WRAP_IS_OLD = 2 * DAY;
/** So many messages of one reader at a time: what was paid for first. */
const AT_ONCE = 50;

interface Waiting {
  readonly id: number;
  readonly state: 'sealed' | 'undeliverable';
  readonly rungs: number;
  readonly paid: number;
  /** Seconds since it was made. */
  readonly age: number;
  readonly dated: number;
}

/** `wasHeard`: they have written since; then what was given up is offered once more. */
export interface Route {
  readonly recipient: string;
  readonly wasHeard?: boolean;
}

/**
 * Looks for new ways to a reader whom messages wait for: their lists are looked up anew, and all their relays are
 * tried at once, with what had been given up too.
 *
 * Killed midway: nothing happened; it is looked up again.
 */
export function routeTask(options: DeliveryOptions): TaskKind<Route> {
  const { database, clock } = options;
  return {
    kind: 'outbox.route',
    pool: 'outgoing',
    leaseSeconds: 30,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { recipient, wasHeard = false } = task.payload;
      if (waitingFor(database.read, recipient, clock.now()).length === 0) return () => {};
      const lists = await lookUpLists(options, recipient, signal, LISTS_ARE_NEW);
      return (tx) => {
        keepLists(tx, lists);
        const now = clock.now();
        const waiting = waitingFor(tx, recipient, now);
        const ways = ladder(tx, recipient, options);
        for (const message of waiting) if (wasHeard || isOffered(message)) takeUp(tx, message, ways, now);
        options.onReady();
        const patient = waiting.filter(
          ({ paid, age }) => age < giveUpAfter({ isPaid: paid === 1, isDelivered: false }),
        );
        if (patient.length === 0) return;
        const after = patient.some(({ age }) => age < DAY) ? AGAIN_AFTER : AGAIN_LATER;
        routeAgain(tx, { recipient }, plusSeconds(now, after), now);
      };
    },
  };
}

/** Their message came: what could not be delivered to them goes out again, by new ways where there are some. */
export function onReaderHeard(tx: Tx, pubkey: string, now: UnixSeconds): void {
  if (waitingFor(tx, pubkey, now).length === 0) return;
  const asked = askedForLists(tx, pubkey) ?? 0;
  const wait = asked > now - LISTS_ARE_NEW ? LISTS_ARE_NEW : 0;
  routeAgain(tx, { recipient: pubkey, wasHeard: true }, plusSeconds(now, wait), now);
  for (const { id } of waitingFor(tx, pubkey, now))
    statement(tx, `UPDATE outbox_relays SET due_at = ? WHERE outbox_id = ? AND state = 'pending' AND due_at > ?`).run(
      now,
      id,
      now,
    );
}

function isOffered({ paid, age }: Waiting): boolean {
  return age < giveUpAfter({ isPaid: paid === 1, isDelivered: false });
}

/** Every relay of theirs is tried now. Undeliverable it was by the ways there were: all there are now are taken. */
function takeUp(tx: Tx, message: Waiting, ways: readonly (readonly string[])[], now: UnixSeconds): void {
  const { id, rungs, state, dated } = message;
  statement(
    tx,
    `UPDATE outbox_relays SET state = 'pending', due_at = min(due_at, @now), tries = 0
     WHERE outbox_id = @id AND (state = 'refused' OR (state = 'pending' AND due_at > @now))`,
  ).run({ id, now });
  enlist(tx, id, ways, state === 'undeliverable' ? ways.length : rungs, now);
  if (dated < now - WRAP_IS_OLD)
    schedule(tx, {
      kind: 'outbox.seal',
      payload: { outboxId: id, nearNow: true },
      key: `seal.near:${id}`,
      dueAt: now,
      now,
    });
}

function waitingFor(reader: Reader, recipient: string, now: UnixSeconds): Waiting[] {
  return statement(
    reader,
    `SELECT id, state, rungs, paid, @now - created_at AS age, event ->> 'created_at' AS dated FROM outbox
     WHERE recipient = @recipient AND state IN ('sealed', 'undeliverable') AND event IS NOT NULL
     ORDER BY paid DESC, id LIMIT ${AT_ONCE}`,
  ).all({ recipient, now }) as Waiting[];
}
