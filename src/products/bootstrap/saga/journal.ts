import { statement, type Database, type Reader, type Tx } from '../../../db/index.ts';
import { RunAgain } from '../../../tasks/index.ts';
import { OutsideError } from '../../../lib/errors.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { UnixSeconds } from '../../../lib/units.ts';

/** A call that makes something at a cloud. */
export interface Making<Found> {
  readonly orderId: string;
  readonly attempt: number;
  readonly call: 'ssh_key' | 'volume' | 'tailnet_key' | 'droplet';
  /** What it will be called there. */
  readonly name: string;
  /**
   * So long a thing may exist and not be found yet: before it is made again it is looked for that long. 0: found at once,
   * or the cloud itself refuses a second one.
   */
  readonly settleSeconds: number;
  /**
   * It is looked for before it is made at all: a copy of this database, put back, does not know what its later life made,
   * and a second one would bill.
   */
  readonly lookFirst: boolean;
  /** How often it is begun at most. */
  readonly most: number;
  make(): Promise<Found>;
  /** Null: there is none. */
  find(): Promise<Found | null>;
  idOf(found: Found): string;
}

interface Row {
  readonly id: number;
  readonly intentAt: number;
  readonly outcome: 'done' | 'refused' | 'nothing' | null;
}

export interface Journal {
  /**
   * Makes it once, whatever happens: the intent is durable before the call; one whose outcome nobody knows is looked
   * for before it is made again.
   *
   * @throws OutsideError `rejected` with the cloud's no; `unavailable` to be asked again. @throws RunAgain while it
   * may still appear. @throws OutsideError rejected `lost` where it was begun too often and never found.
   */
  once<Found>(making: Making<Found>): Promise<Found>;
  /** Does it, and notes that it was done: for what may be done twice (to delete). */
  note(of: { orderId: string; attempt: number; call: string; name: string }, act: () => Promise<void>): Promise<void>;
}

const LOOK_AGAIN_SECONDS = 20;

export function createJournal(database: Database, clock: Clock): Journal {
  function begin(of: { orderId: string; attempt: number; call: string; name: string }): number {
    return database.write((tx) => {
      const { lastInsertRowid } = statement(
        tx,
        'INSERT INTO cloud_calls (order_id, attempt, call, name, intent_at) VALUES (?, ?, ?, ?, ?)',
      ).run(of.orderId, of.attempt, of.call, of.name, clock.now());
      return Number(lastInsertRowid);
    });
  }
  const end = (id: number, outcome: 'done' | 'refused' | 'nothing', resource: string | null): void =>
    database.write((tx) => endCall(tx, id, outcome, resource, clock.now()));

  async function act<Found>(making: Making<Found>): Promise<Found> {
    const id = begin(making);
    try {
      const found = await making.make();
      end(id, 'done', making.idOf(found));
      return found;
    } catch (error) {
      if (error instanceof OutsideError && error.fault !== 'unknown')
        end(id, error.fault === 'rejected' ? 'refused' : 'nothing', error.message);
      throw error;
    }
  }

  return {
    once: async (making) => {
      const calls = callsOf(database.read, making);
      const open = calls.filter(({ outcome }) => outcome === null);
      // What was done is there, or somebody took it away: then it is looked for as well.
      const newest = calls.at(-1);
      if (newest === undefined && making.lookFirst) {
        const there = await making.find();
        if (there === null) return act(making);
        end(begin(making), 'done', making.idOf(there));
        return there;
      }
      if (newest === undefined || (open.length === 0 && newest.outcome !== 'done')) return act(making);
      const found = await making.find();
      if (found !== null) {
        for (const { id } of open) end(id, 'done', making.idOf(found));
        return found;
      }
      if (clock.now() - newest.intentAt < making.settleSeconds) throw new RunAgain(LOOK_AGAIN_SECONDS);
      for (const { id } of open) end(id, 'nothing', null);
      if (calls.length >= making.most) throw new OutsideError('rejected', 'lost');
      return act(making);
    },
    note: async (of, run) => {
      // One row, however often it has to be asked.
      const id = openCall(database.read, of) ?? begin(of);
      await run();
      end(id, 'done', null);
    },
  };
}

function openCall(
  reader: Reader,
  { orderId, call, name }: { orderId: string; call: string; name: string },
): number | undefined {
  const sql = 'SELECT id FROM cloud_calls WHERE order_id = ? AND call = ? AND name = ? AND outcome IS NULL LIMIT 1';
  return (statement(reader, sql).get(orderId, call, name) as { id: number } | undefined)?.id;
}

function endCall(
  tx: Tx,
  id: number,
  outcome: 'done' | 'refused' | 'nothing',
  resource: string | null,
  now: UnixSeconds,
): void {
  statement(
    tx,
    'UPDATE cloud_calls SET ended_at = max(intent_at, ?), outcome = ?, resource = ? WHERE id = ? AND outcome IS NULL',
  ).run(now, outcome, resource, id);
}

function callsOf(
  reader: Reader,
  { orderId, attempt, call }: Pick<Making<unknown>, 'orderId' | 'attempt' | 'call'>,
): Row[] {
  return statement(
    reader,
    `SELECT id, intent_at AS intentAt, outcome FROM cloud_calls WHERE order_id = ? AND attempt = ? AND call = ? ORDER BY id`,
  ).all(orderId, attempt, call) as Row[];
}

/** Was this begun and never proven to have been in vain? Then something of it may exist. */
export function mayExist(reader: Reader, orderId: string, call: string): boolean {
  const sql = `SELECT 1 FROM cloud_calls WHERE order_id = ? AND call = ? AND coalesce(outcome, 'done') = 'done' LIMIT 1`;
  return statement(reader, sql).get(orderId, call) !== undefined;
}

export interface CallRow {
  readonly attempt: number;
  readonly call: string;
  readonly name: string;
  readonly intentAt: number;
  readonly outcome: string | null;
  readonly resource: string | null;
}

/** The newest calls of an order, oldest of them first. */
export function journalOf(reader: Reader, orderId: string, limit: number): CallRow[] {
  return (
    statement(
      reader,
      `SELECT attempt, call, name, intent_at AS intentAt, outcome, resource FROM cloud_calls WHERE order_id = ? ORDER BY id DESC LIMIT ?`,
    ).all(orderId, limit) as CallRow[]
  ).reverse();
}
