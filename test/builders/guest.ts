import { randomBytes } from 'node:crypto';
import type { Clock } from '../../src/lib/clock.ts';
import type { Rng } from '../../src/lib/rng.ts';
import { unixSeconds } from '../../src/lib/units.ts';
import type { EventTemplate, NostrEvent } from '../../src/nostr/event.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import { openDm } from '../../src/nostr/open.ts';
import { isDropped } from '../../src/nostr/opened-dm.ts';
import { createRumor, sealDm } from '../../src/nostr/seal.ts';
import type { RelayHub } from '../fakes/relay-hub.ts';

export const rng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };

export interface Guest {
  readonly pubkey: string;
  /** Everything heard so far, in order of arrival. */
  readonly heard: string[];
  /** `also`: further people in the room. */
  say(text: string, createdAt?: number, more?: { kind?: number; also?: string[] }): Promise<void>;
  sign(template: EventTemplate): Promise<NostrEvent>;
  /** Resolves with the first message, heard already or yet to come, that matches and was not waited for before. */
  hears(match: RegExp): Promise<string>;
}

/** Somebody who writes to this Timmy by way of one relay, and reads each event once, as every client does. */
export function openGuest({ hub, relay, clock }: { hub: RelayHub; relay: string; clock: Clock }, timmy: string): Guest {
  const key = createLocalSigner(generateSecretKey(rng), rng);
  const heard: string[] = [];
  const seen = new Set<string>();
  const taken = new Set<number>();
  const waiting: { match: RegExp; resolve: (text: string) => void }[] = [];
  const take = (match: RegExp): string | undefined => {
    const at = heard.findIndex((text, index) => !taken.has(index) && match.test(text));
    if (at < 0) return undefined;
    taken.add(at);
    return heard[at];
  };
  const hear = async (event: NostrEvent): Promise<void> => {
    if (seen.has(event.id)) return;
    seen.add(event.id);
    const dm = await openDm(event, key, clock.now());
    if (isDropped(dm)) return;
    heard.push(dm.content);
    for (const one of [...waiting]) {
      const text = take(one.match);
      if (text === undefined) continue;
      waiting.splice(waiting.indexOf(one), 1);
      one.resolve(text);
    }
  };
  const filter = { kinds: [1059], '#p': [key.publicKey] };
  hub.connect().start([relay], [{ name: 'dm', filter, lookbackSeconds: 0 }], {
    onEvent: hear,
    highWater: () => null,
    onSynced: () => {},
    onState: () => {},
  });
  return {
    pubkey: key.publicKey,
    heard,
    say: async (content, createdAt = clock.now(), { kind = 14, also = [] } = {}) => {
      const rumor = createRumor({
        pubkey: key.publicKey,
        kind,
        content,
        createdAt: unixSeconds(createdAt),
        recipients: [timmy, ...also],
      });
      await hub.put(relay, await sealDm(rumor, timmy, key, rng, clock.now()));
    },
    sign: (template) => key.sign(template),
    hears: (match) => {
      const text = take(match);
      return text !== undefined ? Promise.resolve(text) : new Promise((resolve) => waiting.push({ match, resolve }));
    },
  };
}
