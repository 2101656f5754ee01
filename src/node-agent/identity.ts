import type { Rng } from '../lib/rng.ts';
import { Secret } from '../lib/secret.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createDurably, readText } from './durable-file.ts';
import { parseObject, textOf } from './reading.ts';

/**
 * The node's own key: made at its first breath, on this machine, and the same for ever.
 * Killed midway: no key yet, or this one; of two that are born at once the second takes the first one's.
 * @throws Error when the file is there and holds none: a lost key is a matter for a person, never for a new one.
 */
export function ownKey(path: string, rng: Rng): Secret<Uint8Array> {
  if (readText(path) === null) {
    const fresh = Buffer.from(generateSecretKey(rng).expose()).toString('hex');
    createDurably(path, `${JSON.stringify({ v: 1, secret_key: fresh })}\n`);
  }
  const text = textOf(parseObject(readText(path) ?? '')?.['secret_key'], 64);
  if (text === null || !/^[0-9a-f]{64}$/.test(text)) throw new Error(`${path} holds no key`);
  return new Secret(new Uint8Array(Buffer.from(text, 'hex')));
}
