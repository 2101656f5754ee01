import { createDecipheriv, hkdfSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

/**
 * Somebody with a copy of the database, the nsec and a keys file, who tries every key on every box. Shares no code with
 * the daemon. @returns the texts that open.
 */
export function openedBy(loot: { database: string; keys: string; secretKey: Uint8Array }): string[] {
  const derived = (info: string): Buffer => Buffer.from(hkdfSync('sha256', loot.secretKey, 'timmy', info, 32));
  const ofNsec = [derived('texts at rest v1'), derived('data key v1')];
  const boxesIn = (file: string, tables: readonly string[]): Buffer[] => {
    const sqlite = new Sqlite(file, { readonly: true });
    try {
      return tables.flatMap((table) => sqlite.prepare(`SELECT box FROM ${table}`).pluck().all() as Buffer[]);
    } finally {
      sqlite.close();
    }
  };
  const ofKeysFile = existsSync(loot.keys) ? boxesIn(loot.keys, ['data_key', 'text_keys']) : [];
  let keys: readonly Buffer[] = ofNsec;
  // The data key opens the customers' keys: two steps down.
  for (let depth = 0; depth < 2; depth++) {
    const unwrapped = ofKeysFile.flatMap((box) => keys.flatMap((key) => open(key, box) ?? []));
    keys = [...keys, ...unwrapped.filter(({ length }) => length === 32)];
  }
  return boxesIn(loot.database, ['texts']).flatMap((box) => keys.flatMap((key) => open(key, box)?.toString() ?? []));
}

function open(key: Buffer, box: Buffer): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12));
  decipher.setAuthTag(box.subarray(12, 28));
  const plain = decipher.update(box.subarray(28));
  try {
    decipher.final();
    return plain;
  } catch {
    // Another key.
    return null;
  }
}
