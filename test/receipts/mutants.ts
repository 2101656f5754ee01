import { billOf, type ChargeFacts } from '../../src/receipts/bill.ts';
import { canonicalJson, type Json } from '../../src/receipts/canonical.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { timmy } from '../builders/charges.ts';

/** Chance that can be repeated: a whole number below `n`. */
export type Pick = (n: number) => number;

/** xorshift32. */
export function seeded(seed: number): Pick {
  let state = seed;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

type Node = Record<string, unknown> | unknown[];

/** Every place in a content: who holds it, and under which key. */
function placesIn(node: unknown, places: [Node, string | number][] = []): [Node, string | number][] {
  if (typeof node !== 'object' || node === null) return places;
  const keys = Array.isArray(node) ? node.map((_, n) => n) : Object.keys(node);
  for (const key of keys) {
    places.push([node as Node, key]);
    placesIn((node as Record<string | number, unknown>)[key], places);
  }
  return places;
}

const HEX = ['a'.repeat(64), 'b'.repeat(64), 'A'.repeat(64), 'c'.repeat(63)];
const TEXTS = [
  '0',
  '0.1',
  '00',
  '1.0',
  '.5',
  '-1',
  '1e3',
  '9'.repeat(20),
  '9'.repeat(21),
  `0.${'3'.repeat(31)}`,
  '',
  'x',
];
const NAMES = [
  'complete',
  'rejected',
  'accepted',
  'requoted',
  'ended',
  'eval',
  'work',
  'order',
  'topup',
  'J-9ZT2C',
  'S-AAAAA',
];
const ODD = ['J-ILOU0', '\ud800', 'x'.repeat(201), 'ü€😀', true, false, null, [], {}, 0.5, -1, 1e12, 1e12 + 1, 2 ** 53];

/** A value that is nearly what stood there, or nothing like it. */
function another(value: unknown, pick: Pick): unknown {
  const among = <T>(values: readonly T[]): T => values[pick(values.length)] as T;
  if (pick(8) === 0) return among(ODD);
  if (typeof value === 'number') return among([value + 1, value - 1, 0, value * 2, value - 10]);
  if (typeof value === 'boolean') return !value;
  if (value === null) return among([0, 1, 139, 'J-9ZT2C', 'S-AAAAA', HEX[0]]);
  if (typeof value === 'string')
    return among(/^[0-9a-f]{64}$/.test(value) ? HEX : /^[\d.]+$/.test(value) ? TEXTS : NAMES);
  return among(ODD);
}

type Content = Record<string, unknown>;

/** Something of one content is another's, more, less, twice or elsewhere. */
function change(content: Content, others: readonly Content[], pick: Pick): void {
  const places = placesIn(content);
  const [holder, key] = places[pick(places.length)] ?? [content, 'v'];
  const at = holder as Record<string | number, unknown>;
  const other = others[pick(others.length)] ?? content;
  switch (pick(8)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (pick(3) === 0) Reflect.deleteProperty(at, key);
      return;
    case 1:
      if (Array.isArray(holder)) holder.push(structuredClone(at[key]));
      else if (pick(3) === 0) at['more'] = 1;
      return;
    case 2:
      if (Array.isArray(holder)) holder.reverse();
      return;
    case 3:
    case 4: {
      // Another receipt's whole part of this name.
      const parts = Object.keys(content).filter((part) => part in other);
      const part = parts[pick(parts.length)] ?? 'id';
      content[part] = structuredClone(other[part]);
      return;
    }
    default:
      at[key] = another(at[key], pick);
  }
}

/** A content with one to three changes; mostly its bill is computed again, so that only what is wrong beside it tells. */
export function mutate(content: Content, others: readonly Content[], pick: Pick): Content {
  const mutant = structuredClone(content);
  for (let times = pick(3); times >= 0; times--) change(mutant, others, pick);
  if (mutant['type'] !== 'charge' || pick(4) === 0) return mutant;
  const { bill, ...facts } = mutant;
  try {
    return { ...facts, bill: billOf(facts as ChargeFacts) };
  } catch {
    return { ...facts, bill };
  }
}

/** Signed by Timmy itself, whatever it says. */
export function forge(like: NostrEvent, content: Content): Promise<NostrEvent> {
  const { kind, created_at, tags } = like;
  return timmy.sign({ kind, created_at, tags, content: spelt(content) });
}

/** As canonical as it can be: half a number is no whole one. */
function spelt(content: Content): string {
  try {
    return canonicalJson(content as Json);
  } catch {
    return JSON.stringify(content);
  }
}
