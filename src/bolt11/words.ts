/**
 * BOLT 11 speaks in five-bit words. These turn words into numbers and bytes and back; they never throw, and
 * padding bits are dropped unread, as every wallet does.
 */

/** Big-endian, saturating at 2^53 − 1: a field may be 1023 words long, and none of them means more than "very much". */
export function wordsToNumber(words: readonly number[]): number {
  let value = 0;
  for (const word of words) {
    value = value * 32 + word;
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  }
  return value;
}

/** Big-endian in the fewest words (zero is one word), or left-padded with zeros to `length`. */
export function numberToWords(value: number, length = 1): number[] {
  const words: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  while (words.length < length) words.unshift(0);
  return words;
}

/** Whole bytes only; bits that do not fill one are padding. */
export function wordsToBytes(words: readonly number[]): Uint8Array {
  return regroup(words, 5, 8, false);
}

/** The last word is filled up with zero bits. */
export function bytesToWords(bytes: Uint8Array): number[] {
  return [...regroup(bytes, 8, 5, true)];
}

/** As `wordsToBytes`, but the last bits make a byte with zeros: what a BOLT 11 signature is made over. */
export function wordsToPaddedBytes(words: readonly number[]): Uint8Array {
  return regroup(words, 5, 8, true);
}

function regroup(input: Iterable<number>, from: number, to: number, pad: boolean): Uint8Array {
  const output: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const value of input) {
    buffer = (buffer << from) | value;
    bits += from;
    while (bits >= to) {
      bits -= to;
      output.push((buffer >> bits) & ((1 << to) - 1));
    }
    buffer &= (1 << bits) - 1;
  }
  if (pad && bits > 0) output.push((buffer << (to - bits)) & ((1 << to) - 1));
  return Uint8Array.from(output);
}
