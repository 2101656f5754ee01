import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { statement, type Reader, type Tx } from '../db/index.ts';
import type { Rng } from '../lib/rng.ts';
import type { Secret } from '../lib/secret.ts';
import type { UnixSeconds } from '../lib/units.ts';

/**
 * Texts at rest: AES-256-GCM under a key derived from the daemon's own secret key, so that a copied database or
 * backup tells nobody what was asked and answered. The box is nonce(12) ‖ tag(16) ‖ ciphertext.
 */
export interface TextBox {
  seal(text: string): Buffer;
  /** @throws when the box was made with another key or was tampered with. */
  open(box: Buffer): string;
}

export function createTextBox(secretKey: Secret<Uint8Array>, rng: Rng): TextBox {
  const key = Buffer.from(hkdfSync('sha256', secretKey.expose(), 'timmy', 'texts at rest v1', 32));
  return {
    seal: (text) => {
      const nonce = rng.bytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    open: (box) => {
      const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12));
      decipher.setAuthTag(box.subarray(12, 28));
      return Buffer.concat([decipher.update(box.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}

/** The id of a kept text. */
export type TextId = number;

/** The texts table with its key: what handlers use to keep and read what people wrote. */
export interface Texts {
  keep(tx: Tx, owner: string, text: string, at: UnixSeconds): TextId;
  replace(tx: Tx, id: TextId, text: string): void;
  /** The text, or null when it was erased (`forget`, retention). */
  read(reader: Reader, id: TextId | null): string | null;
  erase(tx: Tx, id: TextId): void;
}

export function createTexts(box: TextBox): Texts {
  return {
    keep: (tx, owner, text, at) =>
      Number(
        statement(tx, 'INSERT INTO texts (owner, box, created_at) VALUES (?, ?, ?)').run(owner, box.seal(text), at)
          .lastInsertRowid,
      ),
    replace: (tx, id, text) => {
      statement(tx, 'UPDATE texts SET box = ? WHERE id = ?').run(box.seal(text), id);
    },
    read: (reader, id) => {
      if (id === null) return null;
      const row = statement(reader, 'SELECT box FROM texts WHERE id = ?').get(id) as { box: Buffer } | undefined;
      return row === undefined ? null : box.open(row.box);
    },
    erase: (tx, id) => {
      statement(tx, 'DELETE FROM texts WHERE id = ?').run(id);
    },
  };
}

/** Erases every text of `owner` but those of `keep`. @returns how many. */
export function eraseTextsOf(tx: Tx, owner: string, keep: readonly TextId[]): number {
  return statement(tx, 'DELETE FROM texts WHERE owner = ? AND id NOT IN (SELECT value FROM json_each(?))').run(
    owner,
    JSON.stringify(keep),
  ).changes;
}
