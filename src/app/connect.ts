import { createRelays } from '../adapters/relays/index.ts';
import { silentLog } from '../lib/log.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Relays } from '../ports/relays.ts';
import { systemClock, systemRng } from './system.ts';

/** Relay connections for a customer at the command line. */
export function connectRelays(signer: Signer): Relays {
  return createRelays({ clock: systemClock, rng: systemRng, log: silentLog, signer });
}
