import { afterEach, expect, it } from 'vitest';
import { NOT_PRUNED, prune, prunedTables } from '../../src/app/prune.ts';
import { sendAlert } from '../../src/operator/alerts.ts';
import { createTextBox, createTexts } from '../../src/customers/index.ts';
import { silentLog } from '../../src/lib/log.ts';
import { generateSecretKey, publicKeyOf } from '../../src/nostr/keys.ts';
import { rng } from '../builders/guest.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(() => v.close());

it('every table is pruned by a term, or there is a reason why not', async () => {
  v = await visit();
  const tables = v.house.database.read.$client
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .pluck()
    .all() as string[];
  const known = [...prunedTables(), ...Object.keys(NOT_PRUNED)];
  expect(tables.filter((table) => !known.includes(table))).toEqual([]);
});

it('a hundred and twenty days later nothing of strangers is left, and all of who paid', async () => {
  v = await visit();
  for (let n = 0; n < 8; n++) {
    const stranger = await v.house.guest();
    await stranger.say(`job Question ${n}: why is the sky blue?`);
    await stranger.say('status');
  }
  await v.guest.say('job Why is the grass green?');
  await v.pass(3);
  for (let step = 0; step < 2; step++) {
    const invoice = v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';
    await v.pay(invoice);
    await v.pass(5);
  }
  expect(v.guest.heard.join()).toContain('yours');
  for (let day = 0; day < 120; day++) {
    v.clock.advance(86_400_000);
    // Late looks are taken one after the other.
    await v.pass(4);
    v.house.database.write((tx) => prune(tx, 30, v.clock.now()));
  }
  expect(v.broken()).toEqual([]);
  expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
  expect(v.count('SELECT count(*) FROM customers')).toBe(1);
  expect(v.count(`SELECT count(*) FROM invoices WHERE state <> 'paid'`)).toBe(0);
  expect(v.count('SELECT count(*) FROM receipts')).toBeGreaterThan(0);
  for (const table of ['claims', 'relay_lists', 'rpc_answers', 'outbox_relays'])
    expect(v.count(`SELECT count(*) FROM ${table}`)).toBeLessThan(3);
});

it('alerts: the same cause once an hour, ten in all, the rest counted', async () => {
  v = await visit();
  const key = generateSecretKey(rng);
  const operator = publicKeyOf(key);
  const options = { texts: createTexts(createTextBox(key, rng)), log: silentLog, operators: [operator] };
  const tell = (what: string): void => v.house.database.write((tx) => sendAlert(options, tx, what, v.clock.now()));
  const told = (): number => v.count(`SELECT count(*) FROM outbox WHERE recipient = '${operator}'`);
  for (let n = 0; n < 50; n++) tell(`A customer says J-${String(n).padStart(5, '0')} is paid`);
  expect(told()).toBe(1);
  for (const letter of 'abcdefghijklmnopqrst') tell(`cause ${letter}`);
  expect(told()).toBe(10);
  v.clock.advance(3_700_000);
  tell('another cause');
  expect(told()).toBe(11);
});
