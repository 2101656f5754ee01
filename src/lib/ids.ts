import { randomInt, type Rng } from './rng.ts';

/** Crockford base 32: no I, L, O, U, so an id survives being read aloud and typed on a phone. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A short id that people see: `J-4KQ7M`, a letter and five Crockford characters (25 bits; never a secret). */
export function newShortId(rng: Rng, prefix: string): string {
  let id = `${prefix}-`;
  for (let i = 0; i < 5; i++) id += ALPHABET[randomInt(rng, 32)];
  return id;
}

/** What a person typed as an id, in its one spelling (`j 4kq7m` → `J-4KQ7M`, `O` → `0`), or null. */
export function parseShortId(text: string): string | null {
  const match = /^([a-z])[-–— ]?([0-9a-z]{5})$/i.exec(text.trim());
  if (!match) return null;
  const body = match[2]!.toUpperCase().replace(/[IL]/g, '1').replace(/O/g, '0');
  return [...body].every((c) => ALPHABET.includes(c)) ? `${match[1]!.toUpperCase()}-${body}` : null;
}
