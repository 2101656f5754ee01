import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, settled } from '../../test/builders/fresh-database.ts';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { rng } from '../../test/builders/guest.ts';
import { freshTexts } from '../../test/builders/texts.ts';
import { meet } from '../customers/index.ts';
import type { Database } from '../db/index.ts';
import { noCrashPoints } from '../lib/crash-points.ts';
import { silentLog } from '../lib/log.ts';
import { generateSecretKey } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import { createWorker } from '../tasks/index.ts';
import { notification, success } from './dialects/jsonrpc/index.ts';
import { fitted, tooLargeTask } from './fit.ts';
import { enqueue } from './outbox.ts';

const key = generateSecretKey(rng);
const timmy = createLocalSigner(key, rng);
const guest = createLocalSigner(generateSecretKey(rng), rng);

/** @throws where the message does not fit into its wrap. */
async function seal(content: string): Promise<void> {
  const { now } = createHandClock();
  const recipients = [guest.publicKey];
  const wish = { pubkey: timmy.publicKey, kind: 14, content, createdAt: now(), recipients, replyTo: 'ab'.repeat(32) };
  const rumor = createRumor({ ...wish, relayHint: `wss://${'relay'.repeat(30)}.example` });
  await sealDm(rumor, guest.publicKey, timmy, rng, now());
}

describe('what outgrows its envelope', () => {
  it('whatever it is, what is sent of it fits', async () => {
    const grown = fc.tuple(
      fc.constantFrom('"', 'a', '\u0001', '😀', 'word. ', '\n'),
      fc.integer({ max: 45_000, min: 1 }),
    );
    const form = fc.constantFrom('words', 'answer', 'notification');
    await fc.assert(
      fc.asyncProperty(grown, form, async ([unit, times], as) => {
        const text = unit.repeat(times);
        const made =
          as === 'words'
            ? text
            : as === 'answer'
              ? success('id', { text })
              : notification('job.updated', { job: { id: 'J-4KQ7M', text } });
        for (const one of fitted(made).texts) await seal(one);
      }),
      { numRuns: 60 },
    );
  });

  it('words come in numbered parts, and nothing of them is lost', () => {
    const words = Array.from({ length: 9000 }, (_, n) => `word${n}`);
    const { texts, lost } = fitted(words.join(' '));
    expect(lost).toBe(false);
    expect(texts[0]).toMatch(new RegExp(`^\\(1/${texts.length}\\) word0 `));
    expect(texts.flatMap((text) => text.replace(/^\(\d+\/\d+\) /, '').split(' '))).toEqual(words);
  });

  it('an answer to a program is an error with its id', () => {
    const { texts, lost } = fitted(success('mine', { text: 'x'.repeat(41_000) }));
    expect(lost).toBe(true);
    expect(JSON.parse(texts[0])).toMatchObject({ id: 'mine', error: { code: -32603 } });
  });

  it('a notification keeps its ids, its state and the open invoice', () => {
    const bolt11 = `lnbc${'q'.repeat(600)}`;
    const invoices = Array.from({ length: 79 }, () => ({ bolt11 }));
    const job = { id: 'J-4KQ7M', state: 'complete', result: 'The answer.', invoice: { bolt11 }, invoices };
    const { texts, lost } = fitted(notification('job.updated', { job }));
    expect(lost).toBe(true);
    expect(JSON.parse(texts[0])).toEqual({
      jsonrpc: '2.0',
      method: 'job.updated',
      params: { job: { ...job, invoices: [] } },
    });
  });
});

describe('in the outbox', () => {
  let database: Database;
  beforeEach(() => {
    database = freshDatabase();
  });
  afterEach(() => database.close());

  it('the operator hears once of what was left out', async () => {
    const clock = createHandClock();
    const texts = freshTexts();
    const alerts: string[] = [];
    const worker = createWorker({
      database,
      clock,
      rng,
      log: silentLog,
      reach: noCrashPoints,
      width: { orders: 1, outgoing: 1, model: 1 },
      onParked: () => {},
    });
    worker.register(tooLargeTask({ log: silentLog, alert: (_, what) => void alerts.push(what) }));
    database.write((tx) => {
      meet(tx, guest.publicKey, 'nip17', null, clock.now());
      for (let n = 0; n < 3; n++) {
        const text = success(n, { text: 'x'.repeat(41_000) });
        enqueue(tx, texts, { to: guest.publicKey, text, orderId: 'J-4KQ7M' }, clock.now());
      }
    });
    worker.start();
    await settled();
    clock.advance(1000);
    await settled();
    expect(alerts).toEqual([expect.stringContaining('too large for one message')]);
    const stopped = worker.stop(0);
    await settled();
    clock.advance(1);
    await stopped;
  });
});
