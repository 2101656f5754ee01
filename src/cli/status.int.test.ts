import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createRelayHub } from '../../test/fakes/relay-hub.ts';
import { createTerminal, type FakeTerminal } from '../../test/fakes/terminal.ts';
import { dataDir, keepFact, lockDataDir, migrate, openDatabase, prepareDataDir, type Database } from '../db/index.ts';
import { plusSeconds } from '../lib/units.ts';
import { beginRelayStates, noteRelayState } from '../messaging/index.ts';
import { register } from './index.ts';
import { describeTrouble } from './trouble.ts';

const clock = createHandClock();
const RELAY = 'wss://relay.example';
let home: string;
let database: Database;
let unlock: () => void;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'timmy-status-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function terminal(): FakeTerminal {
  const world = { clock, hub: createRelayHub([]), cwd: home, env: { TIMMY_DATA_DIR: home } };
  return createTerminal(world, register);
}

/** A daemon as it shows to whoever looks from beside. */
function run(): void {
  const dir = dataDir(home);
  prepareDataDir(dir);
  unlock = lockDataDir(dir);
  database = openDatabase(dir.databaseFile);
  migrate(database, clock.now(), () => {});
  database.write((tx) => {
    keepFact(tx, 'started_at', String(clock.now()));
    keepFact(tx, 'last_alive', String(clock.now()));
    beginRelayStates(tx, [RELAY], clock.now());
    noteRelayState(tx, { url: RELAY, state: 'subscribed', syncedAt: clock.now(), failures: 0 }, clock.now());
  });
}

function stop(): void {
  database.close();
  unlock();
}

async function status(): Promise<{ code: number; value: Record<string, unknown>; words: string }> {
  const [json, words] = [terminal(), terminal()];
  const code = await json.run('status', '--json');
  expect(await words.run('status')).toBe(code);
  return { code, value: JSON.parse(json.out()) as Record<string, unknown>, words: words.out() };
}

describe('timmy status', () => {
  it('says that nothing was ever started here, and what to do', async () => {
    const { code, value, words } = await status();
    expect([code, value['running']]).toEqual([4, false]);
    expect(words).toContain('start timmy once');
  });

  it('whoami and chat take the relays that a daemon on this machine reads, those of the settings else', async () => {
    run();
    database.write((tx) => keepFact(tx, 'identity', 'ab'.repeat(32)));
    const relays = async (): Promise<unknown> => {
      const t = terminal();
      expect(await t.run('whoami', '--json')).toBe(0);
      return (JSON.parse(t.out()) as Record<string, unknown>)['relays'];
    };
    expect(await relays()).toEqual([RELAY]);
    stop();
    expect(await relays()).toContain('wss://nos.lol');
  });

  it('a state that no order is in is answered with those that there are', async () => {
    run();
    const t = terminal();
    expect(await t.run('jobs', '--state', 'finished')).toBe(0);
    expect(t.out()).toBe('No such jobs. There are: none.\n');
    stop();
  });

  it('says that a daemon runs, and exits 0 when all is well', async () => {
    run();
    const { code, value, words } = await status();
    expect([code, value['healthy'], value['pid']]).toEqual([0, true, process.pid]);
    expect(words).toMatch(/^running +yes/);
    expect(value['advice']).toEqual([
      expect.stringContaining('HAIKU_* (0.0008 in, 0.004 out) is below the list price'),
    ]);
    expect(words).toMatch(/free answers +\$1\.00 of today's \$1\.00 left/);
    expect(value['demo_budget']).toEqual({ daily_usd: 1, left_usd: 1 });
    expect(words).toMatch(/advice +HAIKU_\* .* is below the list price of claude-haiku-4-5/);
    stop();
  });

  it('says that it is dead, whatever it noted while it lived', async () => {
    run();
    stop();
    const { code, value, words } = await status();
    expect([code, value['running'], value['healthy']]).toEqual([4, false, false]);
    expect(words).toMatch(/^running +NO/);
    expect(words).not.toContain('WRONG');
  });

  it.each([
    ['it hangs', () => clock.advance(120_000), 'no sign of life'],
    [
      'no relay is left',
      () =>
        database.write((tx) =>
          noteRelayState(tx, { url: RELAY, state: 'waiting', syncedAt: null, failures: 3 }, clock.now()),
        ),
      'No relay is connected',
    ],
    [
      'the books do not add up',
      () => database.write((tx) => keepFact(tx, 'books_broken', String(clock.now()))),
      'timmy ledger',
    ],
    [
      'a paid answer waits for more than an hour',
      () =>
        database.write((tx) =>
          tx.$client.exec(
            `INSERT INTO outbox (recipient, protocol, sent_at, paid, state, created_at) VALUES ('a', 'nip17', 0, 1, 'waiting', ${plusSeconds(clock.now(), -4000)})`,
          ),
        ),
      'Paid answers that no relay takes: 1',
    ],
  ])('exits 1 and says what is wrong: %s', async (_what, happens, said) => {
    run();
    happens();
    const { code, value, words } = await status();
    expect([code, value['running'], value['healthy']]).toEqual([1, true, false]);
    expect(words).toContain(said);
    stop();
  });

  it('does not keep a daemon from starting', () => {
    run();
    stop();
    run();
    stop();
  });
});

describe("the operator's own troubles", () => {
  it('a damaged database is told as such, not as a bug of ours', async () => {
    run();
    stop();
    const file = dataDir(home).databaseFile;
    writeFileSync(file, Buffer.concat([Buffer.alloc(2000, 7), readFileSync(file).subarray(2000)]));
    const broken = terminal();
    expect(await broken.run('jobs')).toBe(1);
    expect(broken.err()).toContain('The database is damaged');
    expect(broken.err()).not.toContain('bug');
  });

  it.each([
    ['ENOSPC', 'The disk is full'],
    ['SQLITE_FULL', 'The disk is full'],
    ['SQLITE_CORRUPT_INDEX', 'damaged'],
    ['EACCES', 'sudo -u timmy'],
    ['EROFS', 'read-only'],
    ['EADDRINUSE', 'TIMMY_DEV_RELAY_PORT'],
    ['ENOTDIR', 'There is a file where a directory should be'],
  ])('%s has words and a mend', (code, words) => {
    expect(describeTrouble(Object.assign(new Error('x'), { code, port: 7777 }))).toContain(words);
  });

  it('anything else is a bug', () => {
    expect(describeTrouble(new TypeError('x'))).toBeNull();
  });
});
