import type { UnixSeconds } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from './event.ts';
import { normalizeRelayUrls } from './relay-url.ts';

export const PROFILE = 0;
/** NIP-65: where somebody writes and reads in public. */
export const RELAY_LIST = 10002;
/** NIP-17: where somebody receives DMs. */
export const DM_RELAY_LIST = 10050;

/** We follow a stranger to no more relays than these, whatever their list says: each costs a socket. */
export const MAX_RELAYS_OF_A_LIST = 5;

export interface ReadWriteRelays {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Kind 10050: send us DMs there. */
export function dmRelayList(relays: readonly string[], now: UnixSeconds): EventTemplate {
  return { kind: DM_RELAY_LIST, created_at: now, content: '', tags: relays.map((url) => ['relay', url]) };
}

/** Kind 10002, each relay for reading and writing. */
export function relayList(relays: readonly string[], now: UnixSeconds): EventTemplate {
  return { kind: RELAY_LIST, created_at: now, content: '', tags: relays.map((url) => ['r', url]) };
}

/** The relays of a kind 10050, normalised, at most 5; empty when it is another kind or names none. */
export function parseDmRelayList(event: NostrEvent): readonly string[] {
  if (event.kind !== DM_RELAY_LIST) return [];
  return urlsOf(event, (tag) => tag[0] === 'relay');
}

/** The relays of a kind 10002, normalised, at most 5 of each sort. A relay without a marker is for both. */
export function parseRelayList(event: NostrEvent): ReadWriteRelays {
  if (event.kind !== RELAY_LIST) return { read: [], write: [] };
  return {
    read: urlsOf(event, (tag) => tag[0] === 'r' && tag[2] !== 'write'),
    write: urlsOf(event, (tag) => tag[0] === 'r' && tag[2] !== 'read'),
  };
}

function urlsOf(event: NostrEvent, wanted: (tag: readonly string[]) => boolean): readonly string[] {
  return normalizeRelayUrls(
    event.tags.filter(wanted).map((tag) => tag[1] ?? ''),
    MAX_RELAYS_OF_A_LIST,
  );
}
