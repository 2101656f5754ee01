import { sha256Hex } from '../lib/hash.ts';
import { verifiesHash } from './curve.ts';
import type { NostrEvent, Rumor } from './event.ts';

/** Larger ones are not looked at: every byte costs a stranger nothing and us a hash. Bytes of the serialised event. */
export const MAX_EVENT_BYTES = 131_072;
/** Of anything addressed to us. */
export const MAX_TAGS = 100;

const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_128 = /^[0-9a-f]{128}$/;

export function isHex64(value: unknown): value is string {
  return typeof value === 'string' && HEX_64.test(value);
}

/** The bytes that an id is the hash of (NIP-01). */
export function serializeEvent(event: Omit<Rumor, 'id'>): string {
  return JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
}

/** The id that an event must have (NIP-01). */
export function eventId(event: Omit<Rumor, 'id'>): string {
  return sha256Hex(serializeEvent(event));
}

function isTags(value: unknown, maxTags: number): value is string[][] {
  if (!Array.isArray(value) || value.length > maxTags) return false;
  return value.every(
    (tag: unknown) => Array.isArray(tag) && tag.length > 0 && tag.every((item) => typeof item === 'string'),
  );
}

/** An event's own fields, or null: exactly the types of NIP-01, within our caps. Foreign fields are left behind. */
export function readUnsigned(value: unknown, maxTags = MAX_TAGS): Omit<Rumor, 'id'> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { pubkey, created_at, kind, tags, content } = value as Record<string, unknown>;
  if (!isHex64(pubkey)) return null;
  if (typeof created_at !== 'number' || !Number.isSafeInteger(created_at) || created_at < 0) return null;
  if (typeof kind !== 'number' || !Number.isInteger(kind) || kind < 0 || kind > 65_535) return null;
  if (typeof content !== 'string' || content.length > MAX_EVENT_BYTES) return null;
  if (!isTags(tags, maxTags)) return null;
  return { pubkey, created_at, kind, tags: tags.map((tag) => [...tag]), content };
}

/**
 * An unknown value as an event whose id is true, or null. The signature is not yet checked: what is cheap to refuse
 * is refused before that. `maxTags` may be raised where events are not addressed to us.
 */
export function readEvent(value: unknown, maxTags = MAX_TAGS): NostrEvent | null {
  const fields = readUnsigned(value, maxTags);
  if (fields === null) return null;
  const { id, sig } = value as Record<string, unknown>;
  if (!isHex64(id) || typeof sig !== 'string' || !HEX_128.test(sig)) return null;
  const serialized = serializeEvent(fields);
  if (Buffer.byteLength(serialized) > MAX_EVENT_BYTES || sha256Hex(serialized) !== id) return null;
  return { id, ...fields, sig };
}

/** The event, if its shape, id and signature are true; else null. The result shares nothing with `value`. */
export function verifyEvent(value: unknown, maxTags = MAX_TAGS): NostrEvent | null {
  const event = readEvent(value, maxTags);
  return event !== null && hasValidSignature(event) ? event : null;
}

/** Whether id and signature of a well-formed event (see `readEvent`) are true. Nothing is remembered from call to call. */
export function hasValidSignature(event: NostrEvent): boolean {
  return eventId(event) === event.id && verifiesHash(event.id, event.pubkey, event.sig);
}
