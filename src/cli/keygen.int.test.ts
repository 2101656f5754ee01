import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createRelayHub } from '../../test/fakes/relay-hub.ts';
import { createTerminal } from '../../test/fakes/terminal.ts';
import { encodeNpub, parseNpub, parseSecretKey, publicKeyOf } from '../nostr/keys.ts';
import { registerKeygen } from './keygen.ts';
import { registerWhoami } from './whoami.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'timmy-keygen-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function terminal(env: Record<string, string> = {}) {
  return createTerminal({ clock: createHandClock(), hub: createRelayHub([]), cwd, env }, (program, cli) => {
    registerKeygen(program, cli);
    registerWhoami(program, cli);
  });
}

it('prints a pair that belongs together, in words and as JSON', async () => {
  const [words, json] = [terminal(), terminal()];
  expect(await words.run('keygen')).toBe(0);
  const [, npub = '', nsec = ''] = /^npub: (\S+)\nnsec: (\S+)\n$/.exec(words.out()) ?? [];
  expect(publicKeyOf(parseSecretKey(nsec))).toBe(parseNpub(npub));
  expect(await json.run('keygen', '--json')).toBe(0);
  const pair = JSON.parse(json.out()) as { npub: string; pubkey: string; nsec: string };
  expect(publicKeyOf(parseSecretKey(pair.nsec))).toBe(pair.pubkey);
  expect(encodeNpub(pair.pubkey)).toBe(pair.npub);
});

it('--out writes a file for its owner alone, which whoami reads, and never overwrites', async () => {
  const t = terminal({ TIMMY_NOSTR_NSEC_FILE: 'key' });
  expect(await t.run('keygen', '--out', 'key')).toBe(0);
  const file = join(cwd, 'key');
  const nsec = readFileSync(file, 'utf8');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(t.out()).toMatch(/^npub1\w+\n$/);
  const npub = t.out().trim();

  expect(await t.run('keygen', '--out', 'key')).toBe(1);
  expect(t.err()).toContain('exists already; nothing was written');
  expect(readFileSync(file, 'utf8')).toBe(nsec);
  expect(t.out() + t.err()).not.toContain(nsec.trim());

  const who = terminal({ TIMMY_NOSTR_NSEC_FILE: 'key' });
  expect(await who.run('whoami', '--json')).toBe(0);
  expect(JSON.parse(who.out())).toMatchObject({ npub, pubkey: parseNpub(npub), name: 'Timmy' });
});

it('exit codes: 1 failed, 2 wrong usage, 3 configuration wrong', async () => {
  writeFileSync(join(cwd, 'bad'), 'nsec1nonsense');
  expect(await terminal().run('keygen', '--out', 'no/such/place')).toBe(1);
  expect(await terminal().run('keygen', '--nonsense')).toBe(2);
  expect(await terminal().run('nonsense')).toBe(2);
  expect(await terminal().run('--help')).toBe(0);
  const [none, bad, wrong] = [
    terminal(),
    terminal({ TIMMY_NOSTR_NSEC_FILE: 'bad' }),
    terminal({ TIMMY_RELAYZ: 'x', EVAL_FEE_SATS: '-1' }),
  ];
  expect(await none.run('whoami')).toBe(3);
  expect(none.err()).toContain('timmy keygen --out FILE');
  expect(await bad.run('whoami')).toBe(3);
  expect(bad.err()).not.toContain('nonsense');
  expect(await wrong.run('whoami')).toBe(3);
  expect(wrong.err()).toMatch(/TIMMY_RELAYZ[^]*EVAL_FEE_SATS/);
  expect(wrong.out()).toBe('');
});
