import { afterEach, expect, it } from 'vitest';
import { knownTables, prune } from '../../src/app/prune.ts';
import { sendAlert, tellStuck } from '../../src/operator/alerts.ts';
import { silentLog } from '../../src/lib/log.ts';
import { FACES } from '../../src/products/catalogue.ts';
import { encodeNpub, generateSecretKey, publicKeyOf } from '../../src/nostr/keys.ts';
import { rng } from '../builders/guest.ts';
import { freshTexts } from '../builders/texts.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
const pruneAll = (rest = (): Promise<void> => Promise.resolve()): Promise<boolean> =>
  prune({ database: v.house.database, clock: v.clock, retentionDays: 30, faces: FACES }, rest);
afterEach(() => v.close());

it('every table is pruned by a term, or there is a reason why not', async () => {
  v = await visit();
  const tables = v.house.database.read.$client
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`)
    .pluck()
    .all() as string[];
  const known = knownTables(FACES);
  expect(tables.filter((table) => !known.includes(table))).toEqual([]);
});

it('a hundred and twenty days later nothing of strangers is left, and all of who paid', async () => {
  v = await visit();
  for (let n = 0; n < 8; n++) {
    const stranger = await v.house.guest();
    await stranger.say(`job Question ${n}: why is the sky blue?`);
    await stranger.say('status');
    await stranger.say(`demo Question ${n}: why is the sea blue?`);
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
    await pruneAll();
  }
  expect(v.broken()).toEqual([]);
  expect(v.count('SELECT count(*) FROM jobs')).toBe(1);
  expect(v.count('SELECT count(*) FROM demos')).toBe(0);
  expect(v.count('SELECT count(*) FROM customers')).toBe(1);
  expect(v.count(`SELECT count(*) FROM invoices WHERE state <> 'paid'`)).toBe(0);
  expect(v.count('SELECT count(*) FROM receipts')).toBeGreaterThan(0);
  for (const table of ['claims', 'relay_lists', 'rpc_answers', 'outbox_relays'])
    expect(v.count(`SELECT count(*) FROM ${table}`)).toBeLessThan(3);
});

it('what a flood left is gone in one run, a page at a time', async () => {
  v = await visit();
  // What begins by itself at the start is done, and writes nothing meanwhile.
  await v.pass(2);
  const sqlite = v.house.database.read.$client;
  const long = v.clock.now() - 100 * 86_400;
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)';
  sqlite.exec(`${numbers} INSERT INTO seen_wraps (id, at) SELECT 'wrap' || i, ${long} FROM n`);
  sqlite.exec(
    `${numbers} INSERT INTO customers (pubkey, created_at, protocol) SELECT 'key' || i, ${long}, 'nip17' FROM n`,
  );
  sqlite.exec(`${numbers} INSERT INTO texts (owner, box, created_at) SELECT 'key' || i, x'00', ${long} FROM n`);
  sqlite.exec(`${numbers} INSERT INTO inbox (sender, rumor_id, protocol, kind, created_at, received_at, age, is_group)
    SELECT 'key' || i, 'rumor' || i, 'nip17', 14, ${long}, ${long}, 'fresh', 0 FROM n`);
  sqlite.exec(`${numbers} INSERT INTO outbox (recipient, protocol, sent_at, state, created_at)
    SELECT 'key' || i, 'nip17', ${long}, 'delivered', ${long} FROM n`);
  sqlite.exec(
    `INSERT INTO outbox_relays (outbox_id, relay, state, at) SELECT id, 'wss://x', 'accepted', 1 FROM outbox`,
  );
  const changes = (): number => v.count('SELECT total_changes()');
  let before = changes();
  let most = 0;
  const isDone = await pruneAll(() => {
    most = Math.max(most, changes() - before);
    before = changes();
    return Promise.resolve();
  });
  expect(isDone).toBe(true);
  expect(most).toBeLessThanOrEqual(400);
  for (const table of ['seen_wraps', 'customers', 'texts', 'inbox', 'outbox', 'outbox_relays'])
    expect(v.count(`SELECT count(*) FROM ${table}`), table).toBe(0);
});

it('what strangers said and nothing needs is erased after two days; requests, and what who paid said, are not', async () => {
  v = await visit();
  const stranger = await v.house.guest();
  await stranger.say('status');
  await stranger.say('job Why is the sky blue?');
  await v.guest.say('job Why is the grass green?');
  await v.pass(3);
  await v.pay(v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '');
  await v.pass(5);
  const of = (owner: string): number => v.count(`SELECT count(*) FROM texts WHERE owner = '${owner}'`);
  const paid = of(v.guest.pubkey);
  expect(of(stranger.pubkey)).toBeGreaterThan(1);
  v.clock.advance(3 * 86_400_000);
  await v.pass(5);
  await pruneAll();
  expect(v.count(`SELECT count(*) FROM texts WHERE id IN (SELECT request_id FROM jobs)`)).toBe(2);
  expect(of(stranger.pubkey)).toBe(1);
  expect(of(v.guest.pubkey)).toBeGreaterThanOrEqual(paid);
  expect(v.broken()).toEqual([]);
});

it('alerts: the same cause once an hour, ten in all, the rest counted', async () => {
  v = await visit();
  const key = generateSecretKey(rng);
  const operator = publicKeyOf(key);
  const options = { texts: freshTexts(), log: silentLog, operators: [operator] };
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

it('alerts: what a stranger can make many of is one cause; another amount is another', async () => {
  v = await visit();
  const key = generateSecretKey(rng);
  const operator = publicKeyOf(key);
  const options = { texts: freshTexts(), log: silentLog, operators: [operator] };
  const tell = (what: string): void => v.house.database.write((tx) => sendAlert(options, tx, what, v.clock.now()));
  const told = (): number => v.count(`SELECT count(*) FROM outbox WHERE recipient = '${operator}'`);
  for (let n = 0; n < 50; n++) tell(`A message could not be handled and was set aside (task ${n}).`);
  expect(told()).toBe(1);
  tell('10 sats left the wallet');
  tell('90000 sats left the wallet');
  expect(told()).toBe(3);
});

it('claims: of random hashes none; twenty of one customer are kept, the rest answered; three alerts a day', async () => {
  const operator = publicKeyOf(generateSecretKey(rng));
  v = await visit({
    env: {
      TIMMY_OPERATOR_NPUBS: encodeNpub(operator),
      LIMIT_OPEN_INVOICES: '30',
      LIMIT_NEW_PER_HOUR: '1000',
      LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600',
    },
  });
  const claims = (): number => v.count('SELECT count(*) FROM claims');
  const claim = (hash: string): Promise<void> =>
    v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: hash, method: 'invoice.claim', params: { payment_hash: hash } }));
  await claim('ab'.repeat(32));
  await v.guest.say(`paid ${'cd'.repeat(32)}`);
  await v.pass(1);
  expect(claims()).toBe(0);
  const { $client } = v.house.database.read;
  for (let n = 0; n < 25; n++) {
    await v.guest.say(`job Question ${n}: why is the sky blue?`);
    await v.pass(2);
  }
  const hashes = $client.prepare('SELECT payment_hash FROM invoices').pluck().all() as string[];
  expect(hashes.length).toBeGreaterThan(20);
  for (const hash of hashes) {
    await claim(hash);
    await v.pass(2);
  }
  expect(claims()).toBe(20);
  expect(v.count(`SELECT count(*) FROM told WHERE what LIKE 'alert:A customer says%'`)).toBe(1);
  expect(v.count(`SELECT count(*) FROM outbox WHERE recipient = '${operator}'`)).toBe(1);
});

it('an alert that does not reach its operator makes no alert', async () => {
  v = await visit();
  const [operator, customer] = ['aa'.repeat(32), 'bb'.repeat(32)];
  const told: string[] = [];
  const options = { alert: (_tx: unknown, what: string) => void told.push(what), operators: [operator] };
  v.house.database.write((tx) => {
    tellStuck(options, tx, [{ id: 1, recipient: operator, orderId: null }], v.clock.now());
    expect(told).toEqual([]);
    tellStuck(options, tx, [{ id: 2, recipient: customer, orderId: 'J-4KQ7M' }], v.clock.now());
  });
  expect(told).toEqual([expect.stringContaining('(J-4KQ7M)')]);
});
