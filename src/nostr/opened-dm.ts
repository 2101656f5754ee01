import { OutsideError } from '../lib/errors.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Rumor } from './event.ts';
import { isHex64 } from './verify.ts';

/** A direct message whose sender is proven. What it says is still a stranger's word. */
export interface OpenedDm {
  readonly sender: string;
  /** The recomputed id of the message itself: the same in every wrap, on every relay. The key of idempotency. */
  readonly rumorId: string;
  /** 14 chat, 1 text (as nak sends it), 15 file, 7 reaction, 5 delete; 4 for a legacy DM. */
  readonly kind: number;
  /** The sender's claim. */
  readonly createdAt: UnixSeconds;
  readonly content: string;
  readonly tags: readonly (readonly string[])[];
  /** Id of the message (rumor) that this one answers, reacts to or deletes, or null. */
  readonly replyTo: string | null;
  /** Only `fresh` may run; the others deserve at most one polite answer. */
  readonly age: 'fresh' | 'stale' | 'future';
  /** More people than the sender and we are in the room. */
  readonly group: boolean;
  /** Id of the event as the relay delivered it. */
  readonly wrapId: string;
  readonly protocol: 'nip17' | 'nip04';
}

/** Why an event is worth no answer. For counting, never for the sender. */
export type DropReason =
  | 'malformed'
  | 'wrong_kind'
  | 'not_for_us'
  | 'bad_signature'
  | 'undecryptable'
  | 'not_a_seal'
  | 'bad_seal'
  | 'own_message'
  | 'bad_rumor'
  | 'spoofed_sender'
  | 'false_id'
  | 'unknown_rumor_kind'
  | 'expired';

export interface Dropped {
  readonly dropped: DropReason;
  /** The event's id, where its signature was found true before it was dropped: the same id needs no second look. */
  readonly verifiedId?: string;
}

export function isDropped(value: OpenedDm | Dropped): value is Dropped {
  return 'dropped' in value;
}

/** A clock this far ahead of ours is wrong. */
export const FUTURE_AFTER_SECONDS = 15 * 60;
/** A message this old is not carried out. */
export const STALE_AFTER_SECONDS = 72 * 3600;

/** `staleBefore`: where that is not `STALE_AFTER_SECONDS` ago, because we were not there to read it. */
export function ageOf(
  createdAt: number,
  now: UnixSeconds,
  staleBefore: number = now - STALE_AFTER_SECONDS,
): OpenedDm['age'] {
  if (createdAt > now + FUTURE_AFTER_SECONDS) return 'future';
  return createdAt < staleBefore ? 'stale' : 'fresh';
}

/**
 * Whether its sender wanted it forgotten by now (NIP-40). Asked of what the sender signed or sealed, never of the wrap:
 * its date is for relays, and what came while we were down is answered all the same (product.md: promise 7).
 */
export function isExpired(tags: Rumor['tags'], now: UnixSeconds): boolean {
  return tags.some(([name, at]) => name === 'expiration' && /^\d{1,12}$/.test(at ?? '') && Number(at) <= now);
}

export function isAddressedTo(event: Pick<Rumor, 'tags'>, pubkey: string): boolean {
  return event.tags.some((tag) => tag[0] === 'p' && tag[1] === pubkey);
}

/** The `e` tag marked "reply" (NIP-10), else the last one (NIP-25), else null. */
export function repliesTo(tags: Rumor['tags']): string | null {
  const parents = tags.filter((tag) => tag[0] === 'e' && isHex64(tag[1]));
  const parent = parents.find((tag) => tag[3] === 'reply') ?? parents.at(-1);
  return parent?.[1] ?? null;
}

/**
 * What the cipher gave, or null where the payload is at fault. Trouble of a remote signer (`OutsideError`) is
 * thrown on: the message is not to blame and must be tried again.
 */
export async function decrypted(attempt: Promise<string>): Promise<string | null> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof OutsideError) throw error;
    return null;
  }
}
