import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rng } from '../../test/builders/guest.ts';
import { randomInt } from '../lib/rng.ts';
import { unixSeconds } from '../lib/units.ts';
import { openKeyFile, type KeyFile, type KeyId } from './key-file.ts';

const NOW = unixSeconds(1_800_000_000);
let home: string;
let file: KeyFile;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'timmy-keys-'));
  file = openKeyFile(join(home, 'keys.db'), rng);
});
afterEach(() => {
  file.close();
  rmSync(home, { recursive: true, force: true });
});

const owner = (n: number): string => String(n).padStart(64, '0');
const box = (): Buffer => Buffer.from(rng.bytes(60));
const bytes = (): Buffer => Buffer.concat(readdirSync(home).map((name) => readFileSync(join(home, name))));

it('nothing of a destroyed key is left in any file, whatever came and went around it', () => {
  const known = new Map<KeyId, Buffer>();
  const gone: Buffer[] = [];
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < 60; n++) {
      const sealed = box();
      known.set(file.add(owner(randomInt(rng, 50)), sealed, NOW), sealed);
    }
    const leave = [...known].filter(() => randomInt(rng, 3) > 0);
    file.destroy(leave.map(([id]) => id));
    for (const [id, sealed] of leave) {
      known.delete(id);
      gone.push(sealed);
    }
    const all = bytes();
    // Any 16 bytes of it would show.
    for (const sealed of gone)
      for (const at of [0, 20, 44]) expect(all.includes(sealed.subarray(at, at + 16))).toBe(false);
    for (const [id, sealed] of known) expect(file.box(id)?.equals(sealed)).toBe(true);
  }
});

it('the next start empties what a crash left in the WAL', () => {
  const sealed = box();
  const id = file.add(owner(1), sealed, NOW);
  file.add(owner(2), box(), NOW);
  expect(bytes().includes(sealed)).toBe(true);
  // A process that died between the end of a transaction and the emptying of the WAL.
  const again = openKeyFile(join(home, 'keys.db'), rng);
  again.destroy([id]);
  again.close();
  expect(bytes().includes(sealed)).toBe(false);
  expect(file.box(id)).toBeNull();
});

it('is nobody else’s to read, and gives no id twice', () => {
  expect(statSync(join(home, 'keys.db')).mode & 0o777).toBe(0o600);
  const id = file.add(owner(1), box(), NOW);
  file.destroy([id]);
  expect(file.add(owner(1), box(), NOW)).toBeGreaterThan(id);
});

it('pages by id, and knows the newest of each owner', () => {
  const ids = [1, 2, 1, 3].map((n) => file.add(owner(n), box(), NOW));
  expect(file.newestOf(owner(1))).toEqual({ id: ids[2], createdAt: NOW });
  expect(file.newestOf(owner(9))).toBeNull();
  expect(file.idsOf(owner(1))).toEqual([ids[0], ids[2]]);
  const first = file.page(0, 3);
  expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
  expect(file.page(first.at(-1)?.id ?? 0, 3)).toEqual([{ id: ids[3], owner: owner(3), createdAt: NOW }]);
});
