import { keepFact, type Database } from '../db/index.ts';
import type { Cancel, Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { RelayState } from '../ports/relays.ts';

/** A relay that is back sooner was hardly away: nothing is said. */
const SAY_AFTER_MS = 5_000;

interface Watched {
  state: string;
  /** Not read there since; null: read. */
  awaySince: number | null;
  isSaid: boolean;
  cancelSay: Cancel;
}

const NOTHING: Cancel = () => {};

/** What `timmy status` reads: how each inbox relay stands, and since when (unix seconds). */
export const RELAY_STATES_FACT = 'relay_states';

export interface RelayWatch {
  onState(state: RelayState): void;
  close(): void;
}

/** Says once that a relay is lost and once that it is back, and keeps how each stands for who looks from beside. */
export function watchRelays(options: {
  database: Database;
  clock: Clock;
  log: Log;
  onBack: (relay: string) => void;
}): RelayWatch {
  const { database, clock, log } = options;
  const relays = new Map<string, Watched>();
  let isClosed = false;

  function keep(): void {
    const states = [...relays].map(([url, { state, awaySince }]) => ({ url, state, away_since: awaySince }));
    // A look from beside is no reason to wait for the disk.
    if (database.isOpen()) database.writeUnsynced((tx) => keepFact(tx, RELAY_STATES_FACT, JSON.stringify(states)));
  }

  return {
    onState: ({ url, state }) => {
      if (isClosed) return;
      const known: Watched = relays.get(url) ?? { state, awaySince: clock.now(), isSaid: false, cancelSay: NOTHING };
      relays.set(url, known);
      known.state = state;
      const shown = url.replace(/\?.*$/, '');
      if (state === 'subscribed') {
        known.cancelSay();
        if (known.isSaid)
          log.info('relay.back', { relay: shown, seconds: clock.now() - (known.awaySince ?? clock.now()) });
        known.awaySince = null;
        known.isSaid = false;
        options.onBack(url);
        keep();
      } else if (known.awaySince === null || known.cancelSay === NOTHING) {
        known.awaySince ??= clock.now();
        known.cancelSay = clock.after(SAY_AFTER_MS, () => {
          if (isClosed || known.awaySince === null) return;
          known.isSaid = true;
          log.warn('relay.lost', { relay: shown, state: known.state });
          keep();
        });
      }
    },
    close: () => {
      isClosed = true;
      for (const { cancelSay } of relays.values()) cancelSay();
    },
  };
}
