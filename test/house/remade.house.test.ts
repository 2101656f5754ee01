import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase, statement } from '../../src/db/index.ts';
import { silentLog, type Log } from '../../src/lib/log.ts';
import type { Secret } from '../../src/lib/secret.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import type { Agent } from '../../src/ports/agent.ts';
import { settled } from '../builders/fresh-database.ts';
import { openGuest, type Guest } from '../builders/guest.ts';
import { openHouse, RELAY, rng, type House } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { createRelayHub, type RelayHub } from '../fakes/relay-hub.ts';
import { createSlowAgent } from './visit.ts';

let dir: string;
let clock: HandClock;
let hub: RelayHub;
let secretKey: Secret<Uint8Array>;
let house: House;
let guest: Guest;
let remade: unknown[];

const log: Log = {
  ...silentLog,
  warn: (event, fields) => {
    if (event === 'task.remade') remade.push(fields);
  },
};
const file = (): string => join(dir, 'timmy.db');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'remade-'));
  clock = createHandClock();
  hub = createRelayHub([RELAY]);
  secretKey = generateSecretKey(rng);
});

afterEach(async () => {
  expect(verifyEverything(house.database.read)).toEqual([]);
  await die();
  rmSync(dir, { recursive: true });
});

async function live(agent?: Agent): Promise<void> {
  remade = [];
  house = await openHouse({ path: file(), clock, hub, secretKey, log, ...(agent === undefined ? {} : { agent }) });
  await pass();
}

async function die(): Promise<void> {
  const closed = house.close();
  await settled();
  clock.advance(5000);
  await closed;
}

async function pass(seconds = 4): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    for (let turn = 0; turn < 8; turn++) await settled();
  }
}

/** It dies, every task it had is lost, and it lives again. */
async function loseAllTasks(agent?: Agent): Promise<void> {
  await die();
  const database = openDatabase(file());
  database.write((tx) => statement(tx, 'DELETE FROM tasks').run());
  database.close();
  await live(agent);
}

const lastInvoice = (): string => guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';

it('what rows say is owed is done, though every task was lost: paid invoices are seen, paid work is done', async () => {
  await live();
  guest = openGuest({ hub, relay: RELAY, clock }, house.pubkey);
  await guest.say('Why is the sky blue? Explain it to a child.');
  await pass();
  const look = lastInvoice();
  await loseAllTasks(createSlowAgent());
  expect(remade).toEqual([{ kind: 'invoice.watch', count: 1 }]);

  house.pay(look);
  await pass();
  expect(guest.heard.at(-1)).toMatch(/^Paid\. Looking at J-/);
  // Dead while the model looks.
  await loseAllTasks();
  expect(remade).toEqual([{ kind: 'job.*', count: 1 }]);
  const work = lastInvoice();
  expect(work).not.toBe(look);

  house.pay(work);
  await pass();
  expect(guest.heard.some((text) => text.includes('Answer of the stub agent'))).toBe(true);
  // Nothing is missing where nothing was lost.
  await die();
  await live();
  expect(remade).toEqual([]);
});
