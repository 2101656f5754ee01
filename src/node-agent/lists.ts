import { sleep } from '../lib/clock.ts';
import { DM_RELAY_LIST, parseDmRelayList } from '../nostr/relay-list.ts';
import { verifyEvent } from '../nostr/verify.ts';
import type { Context } from './context.ts';
import type { RelayWord } from './state.ts';
import { namedRelays } from './ways.ts';

/** The newest word of `pubkey` on where it reads, among what relays sent; null where there is none newer than `known`. */
export function newestList(
  events: readonly unknown[],
  pubkey: string,
  known: RelayWord | null,
  now: number,
): RelayWord | null {
  let best: RelayWord | null = null;
  for (const value of events) {
    const event = verifyEvent(value);
    if (event?.pubkey !== pubkey || event.kind !== DM_RELAY_LIST) continue;
    // A date far ahead would win for ever.
    if (event.created_at > now + 3_600 || event.created_at <= ((best ?? known)?.at ?? 0)) continue;
    const relays = parseDmRelayList(event);
    if (relays.length > 0) best = { at: event.created_at, relays };
  }
  return best;
}

/** Looks up now and again where owner and Timmy read (kind 10050), on the relays that node.json names. Until the agent ends. */
export async function followLists(
  { node, relays, state, clock, pace, stop, turns }: Context,
  onChange: () => void,
): Promise<void> {
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    const authors = [...new Set([node.owner, node.timmy])];
    const found = await relays.query({ kinds: [DM_RELAY_LIST], authors, limit: 10 }, namedRelays(node));
    await turns(async () => {
      const { lists } = state.now;
      const owner = newestList(found, node.owner, lists.owner, clock.now());
      const timmy = newestList(found, node.timmy, lists.timmy, clock.now());
      if (owner === null && timmy === null) return;
      state.change(() => ({ lists: { owner: owner ?? lists.owner, timmy: timmy ?? lists.timmy } }));
      onChange();
    });
    // Relays may not have been reachable at first.
    await sleep(clock, isFirst ? pace.lookMs : pace.lookUpMs, stop);
  }
}
