import { withTimeout, type Clock } from '../../lib/clock.ts';
import type { EventTemplate } from '../../nostr/event.ts';
import { DM_RELAY_LIST, dmRelayList, parseDmRelayList, relayList } from '../../nostr/relay-list.ts';
import type { Signer } from '../../nostr/signer.ts';
import type { Relays } from '../../ports/relays.ts';
import { deliver } from './deliver.ts';

/** What of `CustomerOptions` decides where messages go. */
interface Surroundings {
  readonly relays: readonly string[];
  readonly discoveryRelays?: readonly string[];
  readonly keepRelayList?: boolean;
  readonly clock: Clock;
}

const LOOKUP_MS = 4_000;

/** Where this key reads, and whether that has to be announced. */
export async function chooseInbox(
  options: Surroundings,
  relays: Relays,
  publicKey: string,
): Promise<{ urls: readonly string[]; announce: boolean }> {
  if (options.keepRelayList !== true) return { urls: options.relays, announce: true };
  const theirs = await dmRelaysOf(options, relays, publicKey);
  return theirs.length === 0
    ? { urls: options.relays, announce: true }
    : { urls: [...new Set([...options.relays, ...theirs])], announce: false };
}

/** Publishes where this key receives DMs (10050) and reads in public (10002: kind 4). */
export async function announce(
  options: Surroundings,
  relays: Relays,
  signer: Signer,
  urls: readonly string[],
): Promise<void> {
  const now = options.clock.now();
  const targets = [...new Set([...urls, ...(options.discoveryRelays ?? [])])];
  const publish = async (template: EventTemplate): Promise<void> => {
    await deliver(relays, targets, await signer.sign(template), options.clock);
  };
  await Promise.all([publish(dmRelayList(urls, now)), publish(relayList(urls, now))]);
}

/** The relays where `recipient` receives DMs: their kind 10050 where it is looked for and found, else our own relays. */
export async function addressOf(options: Surroundings, relays: Relays, recipient: string): Promise<readonly string[]> {
  if (options.discoveryRelays === undefined || options.discoveryRelays.length === 0) return options.relays;
  const found = await dmRelaysOf(options, relays, recipient);
  return found.length === 0 ? options.relays : found;
}

async function dmRelaysOf(options: Surroundings, relays: Relays, publicKey: string): Promise<readonly string[]> {
  const asked = [...new Set([...options.relays, ...(options.discoveryRelays ?? [])])];
  const { signal, done } = withTimeout(options.clock, LOOKUP_MS);
  const found = await relays.query(asked, { kinds: [DM_RELAY_LIST], authors: [publicKey] }, signal);
  done();
  const newest = [...found].sort((a, b) => b.created_at - a.created_at)[0];
  return newest === undefined ? [] : parseDmRelayList(newest);
}
