import { afterEach, expect, it } from 'vitest';
import { schedule } from '../../src/tasks/index.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

const program = (method: string, id: string): Promise<void> =>
  v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method, params: {} }));

async function open(): Promise<string> {
  v = await visit();
  await v.guest.say('session 500');
  await v.pass(1);
  await v.pay(v.guest.heard.at(-1) ?? '');
  await v.pass(1);
  return /S-[0-9A-Z]{5}/.exec(v.guest.heard.at(-1) ?? '')?.[0] ?? '';
}

it('is shown once: the same request again is told that it was a secret, not that it was erased', async () => {
  const id = await open();
  await program('session.token', 'a');
  await v.pass(2);
  const first = JSON.parse(v.guest.heard.at(-1) ?? '') as { result: { token: string } };
  expect(first.result.token).toMatch(/^[0-9a-f]{64}$/);
  await program('session.token', 'a');
  await v.pass(2);
  const again = JSON.parse(v.guest.heard.at(-1) ?? '') as { error: { message: string; data: unknown } };
  expect(again.error.message).toContain('a secret, which is sent once and kept nowhere');
  expect(again.error.data).toMatchObject({ state: 'sent_once', id });
});

it('asked for and not made before its session was over: it is said so, and none is made', async () => {
  const sessionId = await open();
  await program('session.token', 'a');
  await v.pass(2);
  const inboxId = v.count('SELECT max(id) FROM inbox');
  await v.guest.say('close');
  await v.pass(2);
  const now = v.clock.now();
  v.house.database.write((tx) =>
    schedule(tx, { kind: 'session.token', payload: { sessionId, inboxId }, dueAt: now, now }),
  );
  v.house.timmy.worker.poke();
  await v.pass(2);
  expect(JSON.parse(v.guest.heard.at(-1) ?? '')).toMatchObject({ id: 'a', error: { code: -32002 } });
  expect(v.count('SELECT count(*) FROM sessions WHERE token_hash IS NOT NULL')).toBe(0);
});
