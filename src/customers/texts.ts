import { statement, type Reader, type Tx } from '../db/index.ts';
import type { Rng } from '../lib/rng.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { openBox, sealBox } from './box.ts';
import type { KeyId } from './key-file.ts';
import type { TextKey, TextKeys } from './text-keys.ts';

/** The id of a kept text. */
export type TextId = number;

/** What `forget` did within the transaction; the keys themselves go after it (`destroyKeys`). */
export interface Forgotten {
  /** Texts that are gone. */
  readonly erased: number;
  /** Texts that are needed still: sealed anew, with a key that goes with them. */
  readonly left: number;
  /** What is under this key of theirs, or an earlier one, is to go. */
  readonly upTo: KeyId;
}

/**
 * What people wrote and what they were answered, each text sealed with its owner's key (`TextKeys`), so that neither a
 * copied database nor a backup tells anybody; and so that a text is gone from all copies when its owner's key is.
 */
export interface Texts {
  keep(tx: Tx, owner: string, text: string, at: UnixSeconds): TextId;
  replace(tx: Tx, id: TextId, text: string): void;
  /** The text, or null when it was erased (`forget`, retention). */
  read(reader: Reader, id: TextId | null): string | null;
  erase(tx: Tx, id: TextId): void;
  /** Erases every text of `owner` but those `needed`; what they say from now on is sealed with a new key. */
  forget(tx: Tx, owner: string, needed: readonly TextId[], at: UnixSeconds): Forgotten;
  /** Erases what an earlier `forget` left and is needed no more. @returns how many texts are left still. */
  eraseLeft(tx: Tx, owner: string, upTo: KeyId, needed: readonly TextId[]): number;
  /** Destroys the keys of `owner` that no text needs any more. Not within a transaction: it cannot be undone. */
  destroyKeys(reader: Reader, owner: string): void;
}

export function createTexts(keys: TextKeys, rng: Rng): Texts {
  const seal = ({ key }: TextKey, text: string): Buffer => sealBox(key, Buffer.from(text, 'utf8'), rng);

  function reseal(tx: Tx, id: TextId, text: string, by: TextKey): void {
    statement(tx, 'UPDATE texts SET box = ?, key_id = ? WHERE id = ?').run(seal(by, text), by.id, id);
  }

  function read(reader: Reader, id: TextId): string | null {
    const row = statement(reader, 'SELECT box, key_id AS keyId FROM texts WHERE id = ?').get(id) as
      { box: Buffer; keyId: KeyId | null } | undefined;
    const key = row?.keyId == null ? null : keys.find(row.keyId);
    return row === undefined || key === null ? null : openBox(key, row.box).toString('utf8');
  }

  return {
    keep: (tx, owner, text, at) => {
      const key = keys.current(owner, at);
      return Number(
        statement(tx, 'INSERT INTO texts (owner, box, key_id, created_at) VALUES (?, ?, ?, ?)').run(
          owner,
          seal(key, text),
          key.id,
          at,
        ).lastInsertRowid,
      );
    },
    replace: (tx, id, text) => {
      const row = statement(tx, 'SELECT owner, created_at AS at FROM texts WHERE id = ?').get(id) as
        { owner: string; at: UnixSeconds } | undefined;
      if (row !== undefined) reseal(tx, id, text, keys.current(row.owner, row.at));
    },
    read: (reader, id) => (id === null ? null : read(reader, id)),
    erase: (tx, id) => {
      statement(tx, 'DELETE FROM texts WHERE id = ?').run(id);
    },
    forget: (tx, owner, needed, at) => {
      const kept = textsOf(tx, owner, needed).flatMap((id) => {
        const text = read(tx, id);
        return text === null ? [] : [{ id, text }];
      });
      if (kept.length > 0) {
        const leaving = keys.renew(owner, at);
        for (const { id, text } of kept) reseal(tx, id, text, leaving);
      }
      // Before the transaction commits: what is kept after it is never under a key that is to go.
      const next = keys.renew(owner, at);
      const sql = 'DELETE FROM texts WHERE owner = ? AND id NOT IN (SELECT value FROM json_each(?))';
      const erased = statement(tx, sql).run(owner, JSON.stringify(kept.map(({ id }) => id)));
      return { erased: erased.changes, left: kept.length, upTo: next.id - 1 };
    },
    eraseLeft: (tx, owner, upTo, needed) => {
      statement(
        tx,
        'DELETE FROM texts WHERE owner = ? AND key_id <= ? AND id NOT IN (SELECT value FROM json_each(?))',
      ).run(owner, upTo, JSON.stringify(needed));
      const left = statement(tx, 'SELECT count(*) FROM texts WHERE owner = ? AND key_id <= ?').pluck();
      return left.get(owner, upTo) as number;
    },
    destroyKeys: (reader, owner) => {
      if (reader.$client.inTransaction) throw new Error('texts.destroy_in_transaction');
      keys.destroyUnused(reader, owner);
    },
  };
}

function textsOf(reader: Reader, owner: string, among: readonly TextId[]): TextId[] {
  const sql = 'SELECT id FROM texts WHERE id IN (SELECT value FROM json_each(?)) AND owner = ?';
  return statement(reader, sql).pluck().all(JSON.stringify(among), owner) as TextId[];
}
