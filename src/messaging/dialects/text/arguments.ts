import { parseShortId } from '../../../lib/ids.ts';
import { parseDestination, type TypedDestination } from './destination.ts';

/** Reads everything behind a command word (tidied, no blank space around it), or says null: then it was no command. */
export type ArgumentParser<Args> = (rest: string) => Args | null;

/** Reads one argument, without the brackets or quotes that people copy with it. */
export type Argument<T> = (token: string) => T | null;

/** `J-4KQ7M`, in any spelling that `parseShortId` takes. Without its dash it needs a digit: "status report" names no order. */
export const shortId: Argument<string> = (token) => (/[-–—\d]/.test(token) ? parseShortId(token) : null);

/** 32 bytes in hex (access tokens, preimages, payment hashes), lower case. */
export const hex32: Argument<string> = (token) => (/^[0-9a-f]{64}$/i.test(token) ? token.toLowerCase() : null);

/** A BOLT11 invoice, Lightning address or LNURL, by its shape. */
export const destination: Argument<TypedDestination> = parseDestination;

/** Takes no arguments: `help`, `balance`. */
export const nothing: ArgumentParser<Record<never, never>> = (rest) => (rest === '' ? {} : null);

/** Takes any words, as they are, but at least one: `job <text>`. */
export const freeText: ArgumentParser<{ text: string }> = (rest) => (rest === '' ? null : { text: rest });

/** Takes any words or none: `demo [text]`. */
export const optionalText: ArgumentParser<{ text: string | null }> = (rest) => ({ text: rest === '' ? null : rest });

/** Takes `on` or `off`: `refunds on`. */
export const onOff: ArgumentParser<{ on: boolean }> = (rest) => {
  const match = /^(?:(on)|off)$/i.exec(rest);
  return match && { on: match[1] !== undefined };
};

/** Takes a whole number of sats ≥ 0: `500`, `1,000`, `1.000`, `500 sats`. There are no fractions, so a dot groups thousands. */
export const wholeNumber: ArgumentParser<{ amount: number }> = (rest) => {
  const digits = /^<?(\d{1,12}|\d{1,3}(?:[.,' _\u00a0\u202f]\d{3}){1,3})\s*(?:sats?|satoshis?)?>?$/i.exec(rest)?.[1];
  return digits === undefined ? null : { amount: Number(digits.replace(/\D/g, '')) };
};

/** Is that a number of something, in whatever spelling: `-5`, `1e3`, `500k`, `0.001 btc`, `٥٠٠`? */
export function isNumberLike(rest: string): boolean {
  const tokens = rest.split(/\s+/);
  if (tokens.length > 3 || !/\p{N}/u.test(tokens[0] ?? '')) return false;
  return tokens.every(
    (token) => /\p{N}/u.test(token) || /^(?:k|m?sats?|satoshis?|m?btc|bitcoins?|usd|eur|dollars?)$/i.test(token),
  );
}

/** `parse`, or nothing at all: then every value is null. */
export function optional<K extends string, T>(
  key: K,
  parse: ArgumentParser<Record<K, T>>,
): ArgumentParser<Record<K, T | null>> {
  return (rest) => (rest === '' ? ({ [key]: null } as Record<K, T | null>) : parse(rest));
}

/** Takes exactly one argument: `one('id', shortId)` for `receipt <id>`. */
export function one<K extends string, T>(key: K, argument: Argument<T>): ArgumentParser<Record<K, T>> {
  return (rest) => {
    const value = argument(bare(rest));
    return value === null ? null : ({ [key]: value } as Record<K, T>);
  };
}

/**
 * Takes each of the arguments at most once, in any order, and nothing else but "to" or "for" beside them; absent ones
 * are null: `anyOf({ id: shortId, destination })` for `refund [id] [destination]`.
 */
export function anyOf<S extends Readonly<Record<string, Argument<unknown>>>>(
  spec: S,
): ArgumentParser<{ [K in keyof S]: S[K] extends Argument<infer T> ? T | null : never }> {
  type Found = { [K in keyof S]: S[K] extends Argument<infer T> ? T | null : never };
  return (rest) => {
    const found: Record<string, unknown> = Object.fromEntries(Object.keys(spec).map((key) => [key, null]));
    const typed = rest === '' ? [] : rest.split(/\s+/);
    const tokens = typed.length > 1 ? typed.filter((token) => !/^(?:to|for)$/i.test(token)) : typed;
    for (let at = 0; at < tokens.length;) {
      const taken = takeOne(spec, found, tokens, at);
      if (taken === 0) return null;
      at += taken;
    }
    return found as Found;
  };
}

/** Fills one open argument from the next two tokens ("J 4KQ7M") or the next; how many tokens were taken, 0 if none fits. */
function takeOne(
  spec: Readonly<Record<string, Argument<unknown>>>,
  found: Record<string, unknown>,
  tokens: readonly string[],
  at: number,
): number {
  for (const width of at + 1 < tokens.length ? [2, 1] : [1]) {
    const token = bare(tokens.slice(at, at + width).join(' '));
    for (const [key, argument] of Object.entries(spec)) {
      const value = found[key] === null ? argument(token) : null;
      if (value === null) continue;
      found[key] = value;
      return width;
    }
  }
  return 0;
}

function bare(token: string): string {
  return token.replace(/^[<[("'`“#]+/, '').replace(/[>\])"'`”,;]{1,4}$/, '');
}
