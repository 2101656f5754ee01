import type { Settings } from '../config/index.ts';
import type { Clock } from '../lib/clock.ts';
import { profileEvent, type Profile } from '../nostr/profile.ts';
import { dmRelayList, relayList } from '../nostr/relay-list.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Relays } from '../ports/relays.ts';
import { plusSeconds } from '../lib/units.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';

export interface ProfileOptions {
  readonly clock: Clock;
  readonly signer: Signer;
  readonly relays: Relays;
  readonly profile: Profile;
  readonly inboxRelays: readonly string[];
  readonly discoveryRelays: readonly string[];
}

const DAY = 86_400;
const RETRY = 300;
/** Key of the one task that keeps our lists published. */
export const PROFILE_TASK_KEY = 'profile.publish';

/**
 * Publishes who we are (kind 0) and where we read (10050, 10002), at every start and daily: some clients cannot even
 * write to a key without a 10050.
 *
 * Killed midway: replaceable events; publishing them again changes nothing.
 */
export function profileTask(options: ProfileOptions): TaskKind<Record<string, never>> {
  const { clock, signer, relays } = options;
  return {
    kind: 'profile.publish',
    pool: 'housekeeping',
    leaseSeconds: 60,
    maxAttempts: Infinity,
    run: async (_task, signal) => {
      const now = clock.now();
      const templates = [
        dmRelayList(options.inboxRelays.slice(0, 3), now),
        relayList(options.inboxRelays.slice(0, 4), now),
        profileEvent(options.profile, now),
      ];
      const events = await Promise.all(templates.map((template) => signer.sign(template)));
      const targets = [...new Set([...options.inboxRelays, ...options.discoveryRelays])];
      const results = await Promise.all(
        targets.flatMap((relay) => events.map((event) => relays.publish(relay, event, signal))),
      );
      const done = results.some((result) => result.outcome === 'accepted');
      return (tx) => {
        const at = clock.now();
        const dueAt = plusSeconds(at, done ? DAY : RETRY);
        schedule(tx, { kind: 'profile.publish', payload: {}, key: PROFILE_TASK_KEY, dueAt, now: at });
      };
    },
  };
}

/** What the settings say of who we are. */
export function profileOf(settings: Settings): Profile {
  const {
    TIMMY_NAME: name,
    TIMMY_ABOUT: about,
    TIMMY_PICTURE: picture,
    TIMMY_NIP05: nip05,
    TIMMY_LUD16: lud16,
  } = settings;
  return { name, about, picture, nip05, lud16 };
}
