import { expect, it } from 'vitest';
import { unixSeconds } from '../lib/units.ts';
import { createLog } from './log-sink.ts';

function written(options: { level?: 'debug' | 'info' | 'warn'; pretty?: boolean } = {}) {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  const clock = { now: () => unixSeconds(1_800_000_000) };
  return { lines, log: createLog({ level: options.level ?? 'info', pretty: options.pretty ?? false, stream, clock }) };
}

it('writes one JSON line each, from its level on', () => {
  const { lines, log } = written();
  log.debug('task.claimed');
  log.info('ready', { npub: 'npub1x', relays: ['wss://a', 'wss://b'], dev_relay: undefined });
  log.error('relay.lost', { failures: 3 });
  expect(lines).toEqual([
    '{"at":1800000000,"level":"info","msg":"ready","npub":"npub1x","relays":["wss://a","wss://b"]}\n',
    '{"at":1800000000,"level":"error","msg":"relay.lost","failures":3}\n',
  ]);
});

it('no field takes the place of at, level or msg', () => {
  const { lines, log } = written();
  log.warn('a.b', { msg: 'ready', at: 1, level: 'debug' });
  expect(JSON.parse(lines[0] ?? '')).toEqual({ at: 1_800_000_000, level: 'warn', msg: 'a.b' });
});

it('speaks in words on a terminal, and quotes what is no word', () => {
  const { lines, log } = written({ pretty: true, level: 'debug' });
  log.debug('relay.lost', { relay: 'wss://nos.lol', why: 'a b\u001b[2J\n', left: null, gone: undefined });
  expect(lines).toEqual(['08:00:00 DEBUG relay.lost relay=wss://nos.lol why="a b\\u001b[2J\\n" left=null\n']);
});
