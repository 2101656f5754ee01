import type { Texts } from '../../customers/index.ts';
import type { Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { createRumor, sealDm, sealLegacyDm, type SealOptions } from '../../nostr/seal.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Commit, TaskKind } from '../../tasks/index.ts';
import { findOutgoing, type OutboxRow } from '../outbox.ts';
import { keepLists, ladder, lookUpLists, type LadderOptions } from './ladder.ts';
import { keepSealed, keepWork, type Sealed } from './progress.ts';
import { proofOfWork } from './work.ts';

export interface DeliveryOptions extends LadderOptions {
  readonly rng: Rng;
  readonly log: Log;
  readonly signer: Signer;
  readonly texts: Texts;
  /** Something can go out now; called within a transaction, to be acted on after it. */
  readonly onReady: () => void;
}

/** A wrap dated near now lies back so far at most. Seconds. */
const NEAR_NOW = 600;

/**
 * Seals a message once, for the relays where its reader reads. With `nearNow` once more around the same rumor, for
 * relays that dislike old dates: readers know a message by its rumor, and see it once.
 *
 * Killed midway: nothing was sent; it is sealed anew, with a new wrap nobody saw, around the same rumor.
 */
export function sealTask(options: DeliveryOptions): TaskKind<{ outboxId: number; nearNow?: boolean }> {
  const { database, clock } = options;
  return {
    kind: 'outbox.seal',
    pool: 'outgoing',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task, signal): Promise<Commit> => {
      const message = findOutgoing(database.read, task.payload.outboxId);
      if (message === undefined) return () => {};
      const nearNow = task.payload.nearNow === true;
      const lists = await lookUpLists(options, message.recipient, signal);
      const sealed = await seal(options, message, nearNow ? { maxBackdateSeconds: NEAR_NOW } : {});
      if (sealed === null) return () => {};
      return (tx) => {
        keepLists(tx, lists);
        const ways = ladder(tx, message.recipient, options);
        keepSealed(tx, message.id, sealed, ways, nearNow, clock.now());
        options.onReady();
      };
    },
  };
}

/**
 * Wraps a message once more for one relay, with the work that it asks for (NIP-13), off the event loop.
 *
 * Killed midway: nothing was sent; the work is done anew.
 */
export function workTask(options: DeliveryOptions): TaskKind<{ outboxId: number; relay: string; bits: number }> {
  const { database, clock } = options;
  return {
    kind: 'outbox.work',
    pool: 'work',
    leaseSeconds: 60,
    maxAttempts: 3,
    run: async (task, signal): Promise<Commit> => {
      const { outboxId, relay, bits } = task.payload;
      const message = findOutgoing(database.read, outboxId);
      if (message === undefined || message.event === null || message.protocol === 'nip04') return () => {};
      const sealed = await seal(options, message, {
        maxBackdateSeconds: NEAR_NOW,
        work: (wrap) => proofOfWork(wrap, bits, signal),
      });
      if (sealed === null) return () => {};
      return (tx) => {
        keepWork(tx, outboxId, relay, sealed.event, clock.now());
        options.onReady();
      };
    },
  };
}

/** Null where the text was erased: then there is nothing left to say. */
async function seal(options: DeliveryOptions, message: OutboxRow, how: SealOptions): Promise<Sealed | null> {
  const { database, signer, texts, rng, clock } = options;
  const text = texts.read(database.read, message.textId);
  if (text === null) return null;
  const { recipient, sentAt: createdAt, protocol } = message;
  const replyTo = message.replyTo ?? undefined;
  if (protocol === 'nip04') {
    const event = await sealLegacyDm({ recipient, content: text, replyTo }, signer, createdAt);
    return named(event, event.id);
  }
  const wish = { pubkey: signer.publicKey, kind: 14, content: text, createdAt, recipients: [recipient], replyTo };
  const rumor = createRumor(wish);
  return named(await sealDm(rumor, recipient, signer, rng, clock.now(), how), rumor.id);
}

function named(event: NostrEvent, rumorId: string): Sealed {
  return { event: JSON.stringify(event), eventId: event.id, rumorId };
}
