import { expect, test } from 'vitest';
import { openCustomer } from '../test/builders/daemon-customer.ts';
import { ANSWER, openOutside } from '../test/builders/daemon-outside.ts';

/** Within the thirty answers a minute that are not counted. */
const QUESTIONS = 25;

/** Prints figures, asserts only that there are some. The model answers at once: what is left is Timmy's own time, and the bench's. */
test(`a question in a session → its answer, ${QUESTIONS} times, one after the other`, async () => {
  const outside = await openOutside();
  const daemon = outside.daemon({ TIMMY_LOG_LEVEL: 'warn', DO_MONTHLY_COST_USD: '1' });
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  await customer.say('session 10000');
  outside.lnbits.payInvoice((await customer.ear.takeText(/^lnbc\w+$/))[0]);
  await customer.ear.takeText(/is open/);
  const took: number[] = [];
  for (let n = 0; n < QUESTIONS; n++) {
    const sent = performance.now();
    await customer.say(`Question ${n}: why is the sky blue?`);
    await customer.ear.takeText(new RegExp(`${ANSWER}[^]*sats, \\d+ left`));
    took.push(performance.now() - sent);
  }
  await customer.close();
  await outside.close();
  took.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(took[Math.floor(share * (took.length - 1))] ?? 0);
  console.log(JSON.stringify({ p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1) }));
  expect(took).toHaveLength(QUESTIONS);
});
