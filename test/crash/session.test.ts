import { expect, test } from 'vitest';
import { lookAtBooks } from '../builders/daemon-books.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { ANSWER, openOutside } from '../builders/daemon-outside.ts';
import { talkByRpc, talkByWords, type Talk } from '../builders/daemon-talk.ts';
import { SESSION_KILLS, SESSION_PAIRS, SESSION_RPC_KILLS } from './points.ts';
import { FUNDS } from './verdict.ts';

test.concurrent.each(SESSION_KILLS)('a session in words, killed at %s: all is whole', async (point) => {
  const heard = await talked([point], talkByWords);
  // Each thing was said once, whatever died in between.
  for (const what of [/ is open: /, /sats more for /, / has \d+ sats/, / is closed\./, /^Paid out: /])
    expect(heard.filter((text) => what.test(text))).toHaveLength(1);
  expect(heard.filter((text) => text.startsWith(ANSWER))).toHaveLength(2);
  expect(heard.filter((text) => text.startsWith('lnbc'))).toHaveLength(2);
});

test.concurrent.each(SESSION_PAIRS)('a session in words, killed at %s, then at %s: all is whole', async (...points) => {
  const heard = await talked(points, talkByWords);
  expect(heard.filter((text) => text.startsWith(ANSWER))).toHaveLength(2);
});

test.concurrent.each(SESSION_RPC_KILLS)('a session by program, killed at %s: one answer each', async (point) => {
  const heard = await talked([point], talkByRpc);
  const ids = heard.flatMap((text) => (JSON.parse(text) as { id?: number }).id ?? []).sort();
  expect(ids).toEqual([1, 2, 3, 4, 5]);
});

/** One session of a daemon that dies at each of `points`; in the end all money is whole. @returns what was heard. */
async function talked(
  points: readonly string[],
  talk: (chat: Parameters<typeof talkByWords>[0], purse: Parameters<typeof talkByWords>[1]) => Promise<Talk>,
): Promise<string[]> {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  try {
    const died = await startDoomed(daemon, points);
    const { depositSats, topupSats, spentSats, restSats } = await talk(customer, outside.lnbits);
    await died();
    await daemon.stop();
    const totalMsats = FUNDS + spentSats * 1000;
    expect(lookAtBooks(daemon, outside.lnbits)).toEqual({
      broken: [],
      ledgerMsats: totalMsats,
      lnbitsMsats: totalMsats,
      received: [depositSats * 1000, topupSats * 1000],
      paidOut: [restSats * 1000],
      underWay: 0,
      violations: [],
    });
    expect(customer.ear.wraps.size).toBe(customer.ear.messages.length);
    return customer.ear.messages.map(({ text }) => text);
  } finally {
    await customer.close();
    await outside.close();
  }
}
