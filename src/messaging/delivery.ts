import { customer, findRelayList, keepRelayList, type Texts } from '../customers/index.ts';
import type { Database, Reader, Tx } from '../db/index.ts';
import { reachingBack } from '../downtime/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import { parseDmRelayList, parseRelayList } from '../nostr/relay-list.ts';
import { createRumor, sealDm, sealLegacyDm } from '../nostr/seal.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Relays } from '../ports/relays.ts';
import { RunAgain, schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { keepSealed, loadOutgoing, noteRelayAnswer, wasTooOldFor } from './outbox.ts';

export interface DeliveryOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly signer: Signer;
  readonly texts: Texts;
  readonly relays: Relays;
  /** Our own relays, always allowed; and where relay lists of strangers are looked for. */
  readonly inboxRelays: readonly string[];
  readonly discoveryRelays: readonly string[];
  /** May we connect to this relay, which a stranger named? */
  readonly mayUse: (relay: string) => boolean;
  /** A message could not be delivered anywhere. */
  readonly onUndeliverable: () => void;
}

const FOUND_TTL = 3600;
const ABSENT_TTL = 300;
const LOOKUP_MS = 2000;
/** After these waits (seconds) a relay is asked once an hour, for a week. */
const RETRY_AFTER = [1, 5, 30, 120, 600];
const GIVE_UP_AFTER = 7 * 86_400;

/**
 * Seals a message once, for the relays where its reader reads.
 *
 * Killed midway: nothing was sent; it is sealed anew, with a new wrap nobody saw, around the same rumor.
 */
export function sealTask(options: DeliveryOptions): TaskKind<{ outboxId: number; nearNow?: boolean }> {
  const { database, clock, rng, signer, texts } = options;
  return {
    kind: 'outbox.seal',
    pool: 'deliveries',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task, signal): Promise<Commit> => {
      const message = loadOutgoing(database.read, task.payload.outboxId);
      const text = texts.read(database.read, message.textId);
      if (text === null) return () => {};
      const lookedUp = await lookUpRelayLists(options, message.recipient, signal);
      const { recipient, sentAt: createdAt } = message;
      let event: NostrEvent;
      let rumorId: string;
      if (message.protocol === 'nip04') {
        event = await sealLegacyDm(
          { recipient, content: text, replyTo: message.replyTo ?? undefined },
          signer,
          createdAt,
        );
        rumorId = event.id;
      } else {
        const rumor = createRumor({
          pubkey: signer.publicKey,
          kind: 14,
          content: text,
          createdAt,
          recipients: [recipient],
          ...(message.replyTo === null ? {} : { replyTo: message.replyTo }),
        });
        const backdate = task.payload.nearNow === true ? { maxBackdateSeconds: 600 } : {};
        event = await sealDm(rumor, recipient, signer, rng, clock.now(), backdate);
        rumorId = rumor.id;
      }
      return (tx) => {
        const now = clock.now();
        for (const list of lookedUp) keepRelayList(tx, list);
        const relays = deliveryRelays(tx, recipient, options);
        keepSealed(
          tx,
          message.id,
          { event: JSON.stringify(event), eventId: event.id, rumorId },
          relays,
          now,
          task.payload.nearNow === true,
        );
      };
    },
  };
}

/**
 * Sends the same signed bytes to one relay until it has them.
 *
 * Killed midway: the relay may have it; sent again it answers `duplicate`, which is success.
 */
export function publishTask(
  options: DeliveryOptions,
): TaskKind<{ outboxId: number; relay: string; nearNow?: boolean }> {
  const { database, clock, relays, texts } = options;
  return {
    kind: 'outbox.publish',
    pool: 'deliveries',
    leaseSeconds: 30,
    maxAttempts: Infinity,
    run: async (task, signal): Promise<Commit> => {
      const { outboxId, relay } = task.payload;
      const message = loadOutgoing(database.read, outboxId);
      if (message.event === null) return () => {};
      const result = await relays.publish(relay, JSON.parse(message.event) as NostrEvent, signal);
      if (result.outcome === 'accepted') {
        return (tx) => noteRelayAnswer(tx, texts, outboxId, relay, 'accepted', null, clock.now());
      }
      const tooOld = message.createdAt < reachingBack(database.read, clock.now(), GIVE_UP_AFTER);
      if (result.outcome !== 'refused' && !tooOld) throw new RunAgain(RETRY_AFTER[task.tries - 1] ?? 3600);
      const why = result.outcome === 'refused' ? result.why : 'given-up';
      options.log.info('outbox.refused', { relay, why });
      return (tx) => {
        const now = clock.now();
        noteRelayAnswer(tx, texts, outboxId, relay, 'refused', why, now);
        if (loadOutgoing(tx, outboxId).state !== 'undeliverable') return;
        if (wasTooOldFor(tx, outboxId) && task.payload.nearNow !== true) {
          // A relay with a narrow time window: the same rumor in a wrap dated near now, once.
          schedule(tx, { kind: 'outbox.seal', payload: { outboxId, nearNow: true }, dueAt: now, now });
        } else {
          options.onUndeliverable();
        }
      };
    },
  };
}

/** Newest 10050 and 10002 of a customer, asked anew when what we know is old; empty when it is fresh. */
async function lookUpRelayLists(
  options: DeliveryOptions,
  pubkey: string,
  signal: AbortSignal,
): Promise<{ pubkey: string; kind: 10050 | 10002; relays: string[]; eventAt: number; fetchedAt: number }[]> {
  const { database, clock } = options;
  const known = findRelayList(database.read, pubkey, 10050);
  const now = clock.now();
  if (known !== undefined && now - known.fetchedAt < (known.relays.length > 0 ? FOUND_TTL : ABSENT_TTL)) return [];
  const { arrivalRelay } = customer(database.read, pubkey);
  const where = unique([
    ...options.discoveryRelays,
    ...options.inboxRelays,
    ...(arrivalRelay !== null && allowed(options, arrivalRelay) ? [arrivalRelay] : []),
  ]);
  const limited = withTimeout(clock, LOOKUP_MS, signal);
  try {
    const filter = { kinds: [10050, 10002], authors: [pubkey] };
    const events = await options.relays.query(where, filter, limited.signal);
    return ([10050, 10002] as const).map((kind) => {
      const newest = events
        .filter((event) => event.kind === kind && event.pubkey === pubkey && event.created_at <= now + 900)
        .sort((a, b) => b.created_at - a.created_at)[0];
      return {
        pubkey,
        kind,
        relays:
          newest === undefined ? [] : [...(kind === 10050 ? parseDmRelayList(newest) : parseRelayList(newest).read)],
        eventAt: newest?.created_at ?? 0,
        fetchedAt: now,
      };
    });
  } finally {
    limited.done();
  }
}

/** The ladder: their 10050 relays, else their NIP-65 read relays, else where their message came from. */
export function deliveryRelays(reader: Reader | Tx, pubkey: string, options: DeliveryOptions): string[] {
  for (const kind of [10050, 10002] as const) {
    const usable = (findRelayList(reader, pubkey, kind)?.relays ?? []).filter((relay) => allowed(options, relay));
    if (usable.length > 0) return unique(usable).slice(0, 4);
  }
  const { arrivalRelay } = customer(reader, pubkey);
  const last = arrivalRelay === null ? [] : [arrivalRelay];
  const usable = last.filter((relay) => allowed(options, relay));
  return usable.length > 0 ? usable : [...options.inboxRelays];
}

function allowed(options: DeliveryOptions, relay: string): boolean {
  return options.inboxRelays.includes(relay) || options.mayUse(relay);
}

function unique(relays: readonly string[]): string[] {
  return [...new Set(relays)];
}
