import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { ReachCrashPoint } from '../../src/lib/crash-points.ts';
import type { Wallet } from '../../src/ports/wallet.ts';
import { keysBeside, type House } from '../builders/house.ts';
import type { RelayHub } from '../fakes/relay-hub.ts';

/** A crash point, and which time it is reached since the kill before it: `payout.send:acted`, or `payout.send:acted#2`. */
export type Kill = string;

/** What a life has of the world. */
export interface Life {
  /** Fires at its death: what it had asked of the world is cut off, and the world hears nothing more of it. */
  readonly death: AbortSignal;
  readonly path: string;
  readonly reach: ReachCrashPoint;
}

export interface Lives {
  readonly current: House;
  /** Crash points reached since `arm`, in their order. */
  readonly reached: readonly string[];
  /** The kills that happened. */
  readonly killed: readonly Kill[];
  /** From now on the kills happen. */
  arm(): void;
  /** No more kills: whatever is left of them does not happen. */
  disarm(): void;
  /** Kills the one that lives, whatever it is about. */
  kill(): void;
  /** Resolves when nobody is being born. */
  alive(): Promise<House>;
  /** Stops in good order (unless it is killed at that) and starts anew on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * One database, lived on by one Timmy after the other. Each is killed at the next point of `kills`, as by `kill -9`: of
 * it only what is committed by then, and what was sent outside, goes on.
 */
export async function openLives(kills: readonly Kill[], bear: (life: Life) => Promise<House>): Promise<Lives> {
  const dir = mkdtempSync(join(tmpdir(), 'timmy-faults-'));
  const left = [...kills];
  const killed: Kill[] = [];
  const reached: string[] = [];
  const buried: Promise<void>[] = [];
  let isArmed = false;
  let count = 0;
  const seen = new Map<string, number>();
  let path = join(dir, 'life-0.db');
  let die = (): void => {};
  let birth = live();
  let current = await birth;

  async function live(): Promise<House> {
    const death = new AbortController();
    let self: House | null = null;
    const reach = (point: string): void => {
      if (!isArmed || death.signal.aborted || self === null) return;
      reached.push(point);
      const times = (seen.get(point) ?? 0) + 1;
      seen.set(point, times);
      const next = left[0];
      if (next !== (times === 1 ? point : `${point}#${times}`)) return;
      killed.push(next);
      left.shift();
      seen.clear();
      die();
    };
    const house = await bear({ death: death.signal, path, reach });
    self = house;
    die = () => kill(house, death);
    return house;
  }

  function kill(house: House, death: AbortController): void {
    count += 1;
    const before = path;
    path = join(dir, `life-${count}.db`);
    writeFileSync(path, house.database.read.$client.serialize());
    const keys = new Sqlite(keysBeside(before), { readonly: true });
    writeFileSync(keysBeside(path), keys.serialize());
    keys.close();
    death.abort(new Error('killed'));
    birth = live().then((next) => {
      buried.push(house.close());
      return (current = next);
    });
  }

  return {
    get current() {
      return current;
    },
    reached,
    killed,
    arm: () => {
      isArmed = true;
    },
    disarm: () => {
      isArmed = false;
    },
    kill: () => die(),
    alive: () => birth,
    restart: async () => {
      const old = await birth;
      const deaths = count;
      await old.close();
      if (count === deaths) birth = live();
      current = await birth;
    },
    close: async () => {
      isArmed = false;
      await birth;
      await Promise.all([...buried, current.close()]);
      rmSync(dir, { recursive: true });
    },
  };
}

/** Its calls end with the life that made them, wherever they are; the dead make none. */
export function mortalWallet(wallet: Wallet, death: AbortSignal): Wallet {
  return new Proxy(wallet, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const mortal = args.map((arg) => (arg instanceof AbortSignal ? AbortSignal.any([arg, death]) : arg));
        return (value as (...all: unknown[]) => unknown).apply(target, mortal);
      };
    },
  });
}

/** The dead neither speak nor hear. */
export function mortalHub(hub: RelayHub, death: AbortSignal): RelayHub {
  return {
    ...hub,
    connect: () => {
      const relays = hub.connect();
      return {
        ...relays,
        start: (inbox, subscriptions, handlers) =>
          relays.start(inbox, subscriptions, {
            ...handlers,
            onEvent: async (event, relay, arrival) => {
              if (!death.aborted) await handlers.onEvent(event, relay, arrival).catch(unlessDead(death));
            },
          }),
        publish: async (url, event, signal) =>
          death.aborted ? { outcome: 'later', why: 'unreachable' } : relays.publish(url, event, signal),
      };
    },
  };
}

function unlessDead(death: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!death.aborted) throw error;
  };
}
