import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBooks } from '../builders/daemon-books.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { openOutside } from '../builders/daemon-outside.ts';
import { buyByWords } from '../builders/daemon-purchase.ts';
import { KILLS, POINTS } from './points.ts';
import { booksAfter, expectHeard, expectWhole, SAID_IN_WORDS, SAID_OF_RECEIPTS, type Said } from './verdict.ts';

/** What is said in a purchase, whatever dies meanwhile. */
const SAID: Said = [...SAID_IN_WORDS, [/^Paying out /, 1], [/^Paid out: /, 1], ...SAID_OF_RECEIPTS];

test('the job flow has exactly the crash points that are killed at below', async () => {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const file = join(daemon.dataDir, 'points');
  await daemon.start({ TIMMY_CRASH_AT: `record:${file}` });
  const bought = await buyByWords(customer, outside.lnbits);
  await daemon.stop();
  expect(readFileSync(file, 'utf8').trim().split('\n').sort()).toEqual([...POINTS].sort());
  // Below, the same invariants are checked in this process, which is quicker than asking the command line.
  expect(await readBooks(daemon, outside.lnbits)).toEqual({
    verify: { exitCode: 0, stdout: '{"ok":true,"broken":[],"late":[]}' },
    ...booksAfter(bought),
  });
  await customer.close();
  await outside.close();
});

test.concurrent.each(KILLS)('killed at %s: nothing is lost, nothing is done twice', async (point) => {
  const outside = await openOutside();
  const { lnbits } = outside;
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  try {
    const died = await startDoomed(daemon, [point]);
    const bought = await buyByWords(customer, lnbits);
    await died();
    await daemon.stop();
    expectWhole(daemon, lnbits, bought);
    expectHeard(customer.ear, SAID);
  } finally {
    await customer.close();
    await outside.close();
  }
});
