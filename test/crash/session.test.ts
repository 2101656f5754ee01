import Sqlite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { dataDir } from '../../src/db/index.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import { lookAtBooks } from '../builders/daemon-books.ts';
import type { Daemon } from '../builders/daemon.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { ANSWER, openOutside, type Outside } from '../builders/daemon-outside.ts';
import { talkByRpc, talkByWords, type Talk } from '../builders/daemon-talk.ts';
import { EXPIRY_KILLS, SESSION_KILLS, SESSION_RPC_KILLS, TOKEN_KILLS } from './points.ts';
import { FUNDS } from './verdict.ts';

const named = (rows: readonly (readonly string[])[]): [string, readonly string[]][] =>
  rows.map((points) => [points.join(', then at '), points]);

test.concurrent.each(named(SESSION_KILLS))('a session in words, killed at %s: all is whole', async (_, points) => {
  const heard = await talked(points, talkByWords);
  // Each thing was said once, whatever died in between.
  for (const what of [/ is open: /, /sats more for /, / has \d+ sats/, / is closed\./, /^Paid out: /])
    expect(heard.filter((text) => what.test(text))).toHaveLength(1);
  expect(heard.filter((text) => text.startsWith(ANSWER))).toHaveLength(2);
  expect(heard.filter((text) => text.startsWith('lnbc'))).toHaveLength(2);
});

test.concurrent.each(named(SESSION_RPC_KILLS))(
  'a session by program, killed at %s: one answer each',
  async (_, points) => {
    const heard = await talked(points, talkByRpc);
    const ids = heard.flatMap((text) => (JSON.parse(text) as { id?: number }).id ?? []).sort();
    expect(ids).toEqual([1, 2, 3, 4, 5]);
  },
);

test.concurrent(`a token, killed at ${TOKEN_KILLS.join(', ')}; its end, at ${EXPIRY_KILLS.join(', ')}`, async () => {
  const outside = await openOutside();
  const daemon = outside.daemon();
  const [owner, friend] = [
    await openCustomer(outside.relays, daemon.publicKey),
    await openCustomer(outside.relays, daemon.publicKey),
  ];
  const newToken = async (): Promise<string> => {
    await owner.say('token');
    return (await owner.ear.takeText(/^[0-9a-f]{64}$/))[0];
  };
  try {
    let died = await startDoomed(daemon, TOKEN_KILLS);
    await owner.say('session 200');
    if (!outside.lnbits.payInvoice((await owner.ear.takeText(/^lnbc\w+$/))[0])) throw new Error('cannot be paid');
    await owner.ear.takeText(/ is open: /);
    const first = await newToken();
    await friend.say(`use ${first}`);
    await friend.ear.takeText(/^You ask in S-/);
    const second = await newToken();
    await died();
    await friend.say(`use ${first}`);
    await friend.ear.takeText(/^No open session has this token/);
    await friend.say(`use ${second}`);
    await friend.ear.takeText(/^You ask in S-/);
    await friend.say('Why is the sky blue?');
    const [, spent = '', left = ''] = await friend.ear.takeText(/(\d+) sats, (\d+) left\./);
    await daemon.stop();
    expect(tokenHash(daemon)).toBe(sha256Hex(second));

    letTimeBeOver(daemon);
    died = await startDoomed(daemon, EXPIRY_KILLS);
    await owner.ear.takeText(new RegExp(`^The time of S-\\w{5} is over\\. ${left} sats are yours`));
    await died();
    await owner.say(outside.lnbits.receiveInvoice(Number(left) * 1000));
    await owner.ear.takeText(/^Paid out: /);
    await daemon.stop();
    expect(tokenHash(daemon)).toBe(null);
    expectWhole(daemon, outside, { deposits: [200], spentSats: Number(spent), restSats: Number(left) });
    const heard = owner.ear.messages.map(({ text }) => text);
    expect(heard.filter((text) => /^[0-9a-f]{64}$/.test(text))).toEqual([first, second]);
    expect(heard.filter((text) => text.startsWith('The time of '))).toHaveLength(1);
  } finally {
    await Promise.all([owner.close(), friend.close()]);
    await outside.close();
  }
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
    expectWhole(daemon, outside, { deposits: [depositSats, topupSats], spentSats, restSats });
    expect(customer.ear.wraps.size).toBe(customer.ear.messages.length);
    return customer.ear.messages.map(({ text }) => text);
  } finally {
    await customer.close();
    await outside.close();
  }
}

interface Came {
  readonly deposits: readonly number[];
  readonly spentSats: number;
  readonly restSats: number;
}

function expectWhole(daemon: Daemon, { lnbits }: Outside, { deposits, spentSats, restSats }: Came): void {
  const totalMsats = FUNDS + spentSats * 1000;
  expect(lookAtBooks(daemon, lnbits)).toEqual({
    broken: [],
    ledgerMsats: totalMsats,
    lnbitsMsats: totalMsats,
    received: deposits.map((sats) => sats * 1000),
    paidOut: [restSats * 1000],
    underWay: 0,
    violations: [],
  });
}

/** The session of a daemon that does not run has had its time. */
function letTimeBeOver(daemon: Daemon): void {
  const file = new Sqlite(dataDir(daemon.dataDir).databaseFile);
  file.exec(`UPDATE sessions SET details = json_set(details, '$.termSeconds', 0);
    UPDATE tasks SET due_at = 0 WHERE key GLOB 'timer:session:*:expire'`);
  file.close();
}

function tokenHash(daemon: Daemon): unknown {
  const file = new Sqlite(dataDir(daemon.dataDir).databaseFile, { readonly: true });
  const hash = file.prepare('SELECT token_hash FROM sessions').pluck().get();
  file.close();
  return hash;
}
