import { parseSshPublicKey, isPrivateKey, type KeyProblem } from './ssh-key.ts';

/** What was typed behind `bootstrap`. */
export interface TypedOrder {
  readonly region: string | null;
  readonly size: string | null;
  readonly key: string | null;
  /** `keygen`: a pair is to be made for them. */
  readonly makeKey: boolean;
  readonly problem: KeyProblem | null;
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * `[ssh public key] [region=… size=…]`, in any order; `keygen` instead of a key. A key that is broken over lines by a
 * client is put together again. Null: these are other words ("bootstrap a startup").
 */
export function parseOrder(rest: string): TypedOrder | null {
  if (isPrivateKey(rest)) return { region: null, size: null, key: null, makeKey: false, problem: 'private_key' };
  let region: string | null = null;
  let size: string | null = null;
  let makeKey = false;
  const words: string[] = [];
  for (const word of rest.split(/\s+/).filter((one) => one !== '')) {
    const [, name, value] = /^(region|size)[=:](\S+)$/i.exec(word) ?? [];
    const slug = value?.toLowerCase() ?? '';
    if (name !== undefined && SLUG.test(slug)) {
      if (name.toLowerCase() === 'region') region = slug;
      else size = slug;
    } else if (/^(?:keygen|newkey)$/i.test(word)) makeKey = true;
    else words.push(word);
  }
  const none = { region, size, key: null, makeKey, problem: null };
  if (words.length === 0) return none;
  const at = words.findIndex((word) => /^(?:ssh-|ecdsa-sha2-|sk-)/.test(word));
  if (at === -1) return null;
  const parsed = parseSshPublicKey(joined(words.slice(at)));
  return 'key' in parsed ? { ...none, key: parsed.key } : { ...none, problem: parsed.problem };
}

/** A region or a size without its name, or a name without its value ("fra1", "region="): nobody asks that of a model. */
export function isHalfAnOrder(rest: string): boolean {
  return /^(?:[a-z]{3}[1-9]|s-\d+vcpu-\S+|(?:region|size)\s*[=:]?\s*\S{0,20})$/i.test(rest.trim());
}

/** "type blob": the blob's pieces together, up to what is no base64 any more (the comment). */
function joined([type = '', first = '', ...others]: readonly string[]): string {
  const rest: string[] = [];
  const isOpen = (blob: string): boolean => blob.length % 4 !== 0 || !isWhole(blob);
  for (const piece of others) {
    if (!isOpen([first, ...rest].join('')) || !/^[A-Za-z0-9+/]+=*$/.test(piece)) break;
    rest.push(piece);
  }
  return `${type} ${[first, ...rest].join('')}`;
}

/** Do the length-prefixed fields fill the blob exactly? */
function isWhole(blob: string): boolean {
  const bytes = Buffer.from(blob, 'base64');
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length && at > 0;
}
