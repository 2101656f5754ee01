import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openCustomer } from '../builders/daemon-customer.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { ANSWER, openOutside } from '../builders/daemon-outside.ts';
import { DEMO_KILLS, DEMO_POINTS } from './points.ts';

const ANSWERED = new RegExp(`^${ANSWER}[^]*this hour: (\\d)\\.`);
const ASKED = 'demo Why is the sky blue?';

test('a free question has exactly the crash points that are killed at below, and those of a purchase', async () => {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const file = join(daemon.dataDir, 'points');
  await daemon.start({ TIMMY_CRASH_AT: `record:${file}` });
  await customer.say(ASKED);
  await customer.ear.takeText(ANSWERED);
  await daemon.stop();
  expect(readFileSync(file, 'utf8').trim().split('\n').sort()).toEqual([...DEMO_POINTS].sort());
  await customer.close();
  await outside.close();
});

test.concurrent.each(DEMO_KILLS)('a free question, killed at %s: answered once, counted once', async (point) => {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  try {
    const died = await startDoomed(daemon, [point]);
    await customer.say(ASKED);
    expect((await customer.ear.takeText(ANSWERED))[1]).toBe('4');
    await died();
    // Whatever was lost is there by now: the next one is answered after it.
    await customer.say('demo And why is grass green?');
    expect((await customer.ear.takeText(ANSWERED))[1]).toBe('3');
    await daemon.stop();
    const answers = customer.ear.messages.filter(({ text }) => !text.startsWith('Working on D-'));
    expect(answers).toHaveLength(2);
    expect(customer.ear.wraps.size).toBe(customer.ear.messages.length);
  } finally {
    await customer.close();
    await outside.close();
  }
});
