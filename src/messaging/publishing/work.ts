import { Worker } from 'node:worker_threads';
import { OutsideError } from '../../lib/errors.ts';
import type { Rumor } from '../../nostr/event.ts';

/** More bits than these are beyond our means: a million hashes, some seconds of one core. */
export const MAX_WORK_BITS = 20;

/**
 * The thread's whole program. As text, for it must run from sources and from the built program alike. It counts up
 * the nonce in a serialised event (NIP-01) until its hash begins with enough zero bits.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const { head, tail, bits } = workerData;
const zeros = (hash) => {
  let count = 0;
  for (const byte of hash) {
    if (byte === 0) { count += 8; continue; }
    return count + Math.clz32(byte) - 24;
  }
  return count;
};
for (let nonce = 0; ; nonce++) {
  if (zeros(createHash('sha256').update(head + nonce + tail).digest()) >= bits) {
    parentPort.postMessage(String(nonce));
    break;
  }
}`;

const PLACE = '#nonce#';

/**
 * The `nonce` tag (NIP-13) with which the id of this event begins with `bits` zero bits. Counted in a thread of its
 * own, which ends with `signal`.
 *
 * @throws OutsideError `unavailable` when `signal` fires first.
 */
export function proofOfWork(event: Omit<Rumor, 'id'>, bits: number, signal: AbortSignal): Promise<readonly string[]> {
  const { pubkey, created_at, kind, tags, content } = event;
  const form = JSON.stringify([0, pubkey, created_at, kind, [...tags, ['nonce', PLACE, String(bits)]], content]);
  const [head, tail] = form.split(PLACE);
  return new Promise((resolve, reject) => {
    const thread = new Worker(PROGRAM, { eval: true, workerData: { head, tail, bits } });
    const end = (): void => {
      signal.removeEventListener('abort', late);
      void thread.terminate();
    };
    const late = (): void => {
      end();
      reject(new OutsideError('unavailable', 'work.too_long'));
    };
    thread.once('message', (nonce: string) => {
      end();
      resolve(['nonce', nonce, String(bits)]);
    });
    thread.once('error', (error) => {
      end();
      reject(error);
    });
    signal.addEventListener('abort', late, { once: true });
    if (signal.aborted) late();
  });
}
