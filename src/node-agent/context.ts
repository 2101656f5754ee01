import type { Clock } from '../lib/clock.ts';
import type { ReachCrashPoint } from '../lib/crash-points.ts';
import type { Log } from '../lib/log.ts';
import type { Rng } from '../lib/rng.ts';
import type { Signer } from '../nostr/signer.ts';
import type { NodeFile } from './node-file.ts';
import type { Pace } from './pace.ts';
import type { NodePaths } from './paths.ts';
import type { Relays } from './relays.ts';
import type { StateFile } from './state.ts';
import type { Turns } from './turns.ts';

/** What every part of the agent is given. */
export interface Context {
  readonly node: NodeFile;
  readonly paths: NodePaths;
  readonly state: StateFile;
  /** The node's own key. */
  readonly signer: Signer;
  readonly relays: Relays;
  readonly turns: Turns;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly reach: ReachCrashPoint;
  /** Fires when the agent is to end. */
  readonly stop: AbortSignal;
  /** Of the agent: its release. */
  readonly version: string;
}
