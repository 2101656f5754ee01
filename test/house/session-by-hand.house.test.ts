import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { register } from '../../src/cli/index.ts';
import { dataDir, prepareDataDir } from '../../src/db/index.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';
import { createTerminal } from '../fakes/terminal.ts';
import { visit, type Visit } from './visit.ts';

let home: string;
let v: Visit;
let id: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'timmy-sessions-'));
  prepareDataDir(dataDir(home));
  v = await visit({ path: dataDir(home).databaseFile });
  await v.guest.say('session 500');
  await v.pass(1);
  id = /S-\w{5}/.exec(v.guest.heard[0] ?? '')?.[0] ?? '';
  await v.pay(v.guest.heard[1] ?? '');
  await v.news();
});
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  await v.close();
  rmSync(home, { recursive: true, force: true });
});

/** Says it in a terminal beside the running house. */
async function timmy(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const world = { clock: v.clock, hub: createRelayHub([]), cwd: home, env: { TIMMY_DATA_DIR: home } };
  const terminal = createTerminal(world, register);
  let isDone = false;
  const running = terminal.run(...argv).finally(() => (isDone = true));
  while (!isDone) await v.pass(1);
  return { code: await running, out: terminal.out(), err: terminal.err() };
}

it('is closed by hand, with a reason, and what is left is owed', async () => {
  expect((await timmy('sessions', 'close', id)).code).toBe(2);
  expect(await timmy('sessions', 'close', id, '--reason', 'they asked by phone')).toMatchObject({
    code: 0,
    out: `${id} is closed. What is left is owed to its customer: timmy refunds shows it.\n`,
  });
  expect(await v.news()).toEqual([expect.stringMatching(/^S-XXXXX is closed. 500 sats are yours/)]);
  expect(v.count(`SELECT count(*) FROM hand_decisions WHERE what = 'order' AND reason = 'they asked by phone'`)).toBe(
    1,
  );
  expect(await timmy('sessions', 'close', id, '--reason', 'again')).toMatchObject({
    code: 1,
    err: `${id} is closed: only one that is open can be changed.\n`,
  });
});

it('lasts longer by hand, and its customer is told', async () => {
  expect((await timmy('sessions', 'extend', id, 'long', '--reason', 'x')).code).toBe(2);
  const extended = await timmy('sessions', 'extend', id, '48', '--reason', 'we were slow');
  expect(extended).toMatchObject({
    code: 0,
    out: expect.stringMatching(/ lasts longer until \d{4}-.* UTC\.\n$/) as string,
  });
  expect(await v.news()).toEqual(['S-XXXXX stays open 2 days longer.']);
  // An answer begins its time anew, and takes nothing of what was given.
  await v.guest.say('Why is the sky blue?');
  await v.pass(2);
  v.clock.advance(25 * 3_600_000);
  await v.pass(2);
  expect(v.count(`SELECT count(*) FROM sessions WHERE state = 'active'`)).toBe(1);
  v.clock.advance(48 * 3_600_000);
  await v.pass(2);
  expect(v.count(`SELECT count(*) FROM sessions WHERE state = 'expired'`)).toBe(1);
});
