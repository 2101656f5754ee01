import { wordsToNumber } from './words.ts';

/** BOLT 11's tagged fields that we read, by type. `f`, `r`, `m` and unknown ones are skipped. */
export const FIELD = { p: 1, r: 3, '9': 5, x: 6, d: 13, s: 16, n: 19, h: 23, c: 24 } as const;
export type FieldName = keyof typeof FIELD;

/** Fields whose data has one legal length in words. */
const FIXED_LENGTH: Partial<Record<FieldName, number>> = { p: 52, s: 52, h: 52, n: 53 };

/** Fields that may stand more than once (and which we do not read). */
const REPEATABLE: ReadonlySet<FieldName> = new Set(['r']);

export interface Fields {
  readonly found: Partial<Record<FieldName, readonly number[]>>;
  /**
   * A fixed-length field of a wrong length was skipped. BOLT 11's text says to fail the payment, its own example
   * says to ignore the field; such an invoice is readable but not payable.
   */
  readonly irregular: boolean;
}

/**
 * Splits the words between timestamp and signature. A second `p`, `s`, `d`, `h`, `n`, `x`, `c` or `9` is refused:
 * implementations differ in which of two they take, so what we check might not be what the node pays.
 */
export function splitFields(words: readonly number[]): Fields | { readonly invalid: 'fields' | 'duplicate_field' } {
  const found: Partial<Record<FieldName, readonly number[]>> = {};
  let irregular = false;
  let at = 0;
  while (at < words.length) {
    const type = words[at];
    const length = wordsToNumber(words.slice(at + 1, at + 3));
    const end = at + 3 + length;
    if (end > words.length) return { invalid: 'fields' };
    const name = (Object.keys(FIELD) as FieldName[]).find((candidate) => FIELD[candidate] === type);
    if (name !== undefined && !REPEATABLE.has(name)) {
      const fixed = FIXED_LENGTH[name];
      if (fixed !== undefined && fixed !== length) irregular = true;
      else if (found[name] !== undefined) return { invalid: 'duplicate_field' };
      else found[name] = words.slice(at + 3, end);
    }
    at = end;
  }
  return { found, irregular };
}

/** Even feature bits that a payer may meet and honour (BOLT 9, context 9). AMP and others we do not know are not. */
const UNDERSTOOD: ReadonlySet<number> = new Set([8, 14, 16, 24, 36, 48]);

/** The lowest even (required) feature bit that nobody here understands, or null. */
export function unknownRequiredFeature(words: readonly number[]): number | null {
  for (let position = 0; position < words.length; position++) {
    const word = words[words.length - 1 - position] ?? 0;
    for (let bit = 0; bit < 5; bit++) {
      const feature = position * 5 + bit;
      if ((word >> bit) & 1 && feature % 2 === 0 && !UNDERSTOOD.has(feature)) return feature;
    }
  }
  return null;
}
