import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { openCustomer } from '../test/builders/daemon-customer.ts';
import { openOutside } from '../test/builders/daemon-outside.ts';

const MESSAGES = 50;
/** Between two messages: LNbits is asked for two invoices a second on average, and that is not what is measured. */
const PAUSE_MS = 600;

/** Prints figures, asserts only that there are some: speed is read by people, never judged by CI. */
test(`DM in → invoice out, ${MESSAGES} times, one after the other`, async () => {
  const outside = await openOutside();
  const limits = { LIMIT_OPEN_INVOICES: '1000', LIMIT_NEW_PER_HOUR: '1000', LIMIT_ALL_OPEN_INVOICES: '2000' };
  const daemon = outside.daemon({ ...limits, TEXT_JOIN_SECONDS: '0', TIMMY_LOG_LEVEL: 'warn' });
  const began = performance.now();
  await daemon.start();
  const startMs = performance.now() - began;
  const rssMb = rssOf(daemon.pid ?? 0);
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const took: number[] = [];
  for (let n = 0; n < MESSAGES; n++) {
    const sent = performance.now();
    await customer.say(`job Question ${n}: why is the sky blue?`);
    await customer.ear.takeText(/^lnbc\w+$/);
    took.push(performance.now() - sent);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  const busyMb = rssOf(daemon.pid ?? 0);
  await customer.close();
  await outside.close();
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(share * (took.length - 1))] ?? 0;
  const figures = {
    start_ms: startMs,
    rss_idle_mb: rssMb,
    rss_after_mb: busyMb,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    max_ms: at(1),
  };
  console.log(
    JSON.stringify(Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value)]))),
  );
  expect(took).toHaveLength(MESSAGES);
});

/** Resident memory of a process, MB. */
function rssOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()) / 1024;
}
