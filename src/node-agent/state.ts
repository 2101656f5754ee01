import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import type { NostrEvent, Rumor } from '../nostr/event.ts';
import { readText, writeDurably } from './durable-file.ts';
import { parseObject } from './reading.ts';

/** Something to be published until a relay has it. `event` is sealed (or public): nothing in it can be read from the disk. */
export interface Letter {
  /** Of the message itself, the same on every way. */
  readonly id: string;
  readonly to: 'owner' | 'everybody';
  readonly event: NostrEvent;
  readonly madeAt: UnixSeconds;
  /** Relays that have it. */
  readonly takenBy: readonly string[];
}

/** A command of the owner's that is being carried out: what a crash leaves behind says so. */
export interface Doing {
  readonly rumorId: string;
  readonly what: string;
  /** The JSON-RPC id, where it was asked by program. */
  readonly rpcId: string | number | null;
  readonly isRpc: boolean;
}

export interface Rotation {
  readonly oldLine: string;
  readonly newLine: string;
}

/** Everything the agent must not forget, in one file: each change of it is whole or has not happened. Times are unix seconds. */
export interface AgentState {
  readonly v: 1;
  readonly bornAt: UnixSeconds;
  /** Dates of our messages grow, so that every client shows them in their order. */
  readonly lastSaidAt: number;
  readonly announce: {
    readonly outcome: 'open' | 'accepted' | 'refused';
    /** One announcement, however often it is sent. */
    readonly rumor: Rumor | null;
  };
  readonly reportEverySeconds: number;
  readonly reported: {
    readonly seq: number;
    readonly at: number;
    readonly synced: boolean;
    readonly trouble: readonly string[];
  };
  readonly termEndsAt: UnixSeconds;
  /** The date of Timmy's last word on it: an older one that comes again changes nothing. */
  readonly termSaidAt: number;
  readonly isIntroduced: boolean;
  readonly credentials: {
    /** Of the file whose letter was made: the same file is never sent twice. */
    readonly sha256: string | null;
    readonly letterIds: readonly string[];
  };
  /** Whose line in bitcoin.conf is the owner's. */
  readonly rpcUser: string | null;
  /** What the owner has been told. */
  readonly told: { readonly percent: number; readonly synced: boolean; readonly trouble: readonly string[] };
  /** What has worked here once: only that can be down. */
  readonly everUp: { readonly bitcoind: boolean; readonly lnd: boolean; readonly lnbits: boolean };
  readonly letters: readonly Letter[];
  /** Messages that were handled: rumor id and date. Nothing dated up to `seenFloor` is looked at any more. */
  readonly seen: readonly (readonly [string, number])[];
  readonly seenFloor: number;
  readonly doing: Doing | null;
  readonly rotation: Rotation | null;
  /** Where they read (kind 10050), and the date of that word. */
  readonly lists: { readonly owner: RelayWord | null; readonly timmy: RelayWord | null };
}

export interface RelayWord {
  readonly at: number;
  readonly relays: readonly string[];
}

export const MAX_LETTERS = 60;
const MAX_SEEN = 512;

/** `seenFloor`: the present time where an earlier state of this node was lost: its reports go on counting from there. */
export function newState(now: UnixSeconds, termEndsAt: UnixSeconds, seenFloor: number): AgentState {
  return {
    v: 1,
    bornAt: now,
    lastSaidAt: 0,
    announce: { outcome: 'open', rumor: null },
    reportEverySeconds: 3_600,
    reported: { seq: seenFloor, at: 0, synced: false, trouble: [] },
    termEndsAt,
    termSaidAt: 0,
    isIntroduced: false,
    credentials: { sha256: null, letterIds: [] },
    rpcUser: null,
    told: { percent: 0, synced: false, trouble: [] },
    everUp: { bitcoind: false, lnd: false, lnbits: false },
    letters: [],
    seen: [],
    seenFloor,
    doing: null,
    rotation: null,
    lists: { owner: null, timmy: null },
  };
}

/** The state, kept: what `change` returns is on the disk before anybody sees it. */
export class StateFile {
  readonly #path: string;
  #state: AgentState;

  /** `fresh` begins where there is no file, or one that cannot be read: that one is kept aside. */
  constructor(path: string, fresh: () => AgentState) {
    this.#path = path;
    const text = readText(path);
    const kept = text === null ? null : parseObject(text);
    if (text !== null && kept?.['v'] !== 1) writeDurably(`${path}.unreadable`, text);
    const begun = fresh();
    this.#state = kept?.['v'] === 1 ? { ...begun, ...(kept as Partial<AgentState>) } : begun;
  }

  get now(): AgentState {
    return this.#state;
  }

  /** Killed midway: before or after, nothing between. @throws Error when the disk does not take it; then nothing changed. */
  change(change: (state: AgentState) => Partial<AgentState>): AgentState {
    const next = bounded({ ...this.#state, ...change(this.#state) });
    writeDurably(this.#path, `${JSON.stringify(next)}\n`);
    this.#state = next;
    return next;
  }
}

/** Whether this message was handled, or is too old to be known. */
export function isSeen(state: AgentState, rumorId: string, createdAt: number): boolean {
  return createdAt <= state.seenFloor || state.seen.some(([id]) => id === rumorId);
}

export function withSeen(
  state: AgentState,
  rumorId: string,
  createdAt: number,
): Pick<AgentState, 'seen' | 'seenFloor'> {
  const seen = [...state.seen, [rumorId, createdAt] as const].sort((one, other) => one[1] - other[1]);
  const gone = seen.splice(0, Math.max(0, seen.length - MAX_SEEN));
  return { seen, seenFloor: Math.max(state.seenFloor, ...gone.map(([, at]) => at)) };
}

/** What is too much goes, the oldest first; the credentials never. */
function bounded(state: AgentState): AgentState {
  const { letters, credentials } = state;
  let surplus = letters.length - MAX_LETTERS;
  const kept = letters.filter(({ id }) => surplus <= 0 || credentials.letterIds.includes(id) || surplus-- <= 0);
  return surplus === letters.length - MAX_LETTERS ? state : { ...state, letters: kept };
}

/** When the next message is dated: now, and after the last one, unless that was written under a clock far ahead. */
export function nextDate(state: AgentState, now: UnixSeconds): UnixSeconds {
  return unixSeconds(state.lastSaidAt > now + 600 ? now : Math.max(now, state.lastSaidAt + 1));
}
