import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBooks } from '../builders/daemon-books.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { withinMs } from '../builders/daemon.ts';
import { ANSWER, openOutside } from '../builders/daemon-outside.ts';
import { buyByWords } from '../builders/daemon-purchase.ts';
import { verifyReceipt } from '../../src/receipts/index.ts';
import { KILLS, POINTS } from './points.ts';

/** What is said in a purchase, whatever dies meanwhile, and how often. */
const SAID: readonly (readonly [RegExp, number])[] = [
  [/ sats now for a look/, 1],
  [/^lnbc100n/, 1],
  [/ is accepted\. /, 1],
  [/^lnbc1[0-9]{3}n/, 1],
  [new RegExp(ANSWER), 1],
  [/^Paying out /, 1],
  [/^Paid out: /, 1],
  [/: complete\./, 1],
  // The receipts of the look, of the work, and of the refund.
  [/^\{"id":/, 3],
];
/** Said when a step takes longer than usual, and death makes it longer. */
const SAID_WHEN_SLOW = /^Paid\. (Looking at|Working on) /;
/** What the fake LNbits holds at first, msats. */
const FUNDS = 100_000_000;

test('the job flow has exactly the crash points that are killed at below', async () => {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const file = join(daemon.dataDir, 'points');
  await daemon.start({ TIMMY_CRASH_AT: `record:${file}` });
  await buyByWords(customer, outside.lnbits);
  await daemon.stop();
  expect(readFileSync(file, 'utf8').trim().split('\n').sort()).toEqual([...POINTS].sort());
  await customer.close();
  await outside.close();
});

test.concurrent.each(KILLS)('killed at %s: nothing is lost, nothing is done twice', async (point) => {
  const outside = await openOutside();
  const { lnbits } = outside;
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  try {
    await daemon.start({ TIMMY_CRASH_AT: point });
    const revived = daemon.ended().then(async (ending) => {
      expect(ending).toEqual({ code: null, signal: 'SIGKILL' });
      await daemon.start();
    });
    revived.catch(() => undefined);
    const { evalSats, workSats, changeSats, receipts } = await buyByWords(customer, lnbits);
    await withinMs(10_000, `the kill at ${point}`, revived);
    await daemon.stop();

    const totalMsats = FUNDS + (evalSats + workSats - changeSats) * 1000;
    expect(await readBooks(daemon, lnbits)).toEqual({
      verify: { exitCode: 0, stdout: '{"ok":true,"broken":[]}' },
      ledgerMsats: totalMsats,
      lnbitsMsats: totalMsats,
      received: [evalSats * 1000, workSats * 1000],
      paidOut: [changeSats * 1000],
      underWay: 0,
      violations: [],
    });

    for (const line of receipts.split('\n')) {
      expect(verifyReceipt(JSON.parse(line), { signer: daemon.publicKey })).toEqual([]);
    }

    const { messages, wraps } = customer.ear;
    const heard = messages.map(({ text }) => text).filter((text) => !SAID_WHEN_SLOW.test(text));
    const counted = SAID.map(([said]) => [said, heard.filter((text) => said.test(text)).length]);
    expect(counted).toEqual(SAID);
    expect(heard).toHaveLength(SAID.reduce((sum, [, times]) => sum + times, 0));
    // Sealed once: what was sent again was the same wrap.
    expect(wraps.size).toBe(messages.length);
  } finally {
    await customer.close();
    await outside.close();
  }
});
