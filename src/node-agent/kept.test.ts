import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rng } from '../../test/builders/guest.ts';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { encodeNpub, generateSecretKey, publicKeyOf } from '../nostr/keys.ts';
import { parseCredentials } from './credentials-file.ts';
import { createDurably, readText, shred, writeDurably } from './durable-file.ts';
import { fingerprintOf } from './host.ts';
import { ownKey } from './identity.ts';
import { npubOf } from './npub.ts';
import { findRpcAuth, rpcAuthLine, withLine } from './services/rpc-auth.ts';
import { isSeen, MAX_LETTERS, newState, nextDate, StateFile, withSeen, type AgentState, type Letter } from './state.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'timmy-kept-'));
const fresh = (): AgentState => newState(unixSeconds(1_000), unixSeconds(2_000), 0);

describe('files', () => {
  it('are whole, private and alone', () => {
    const path = join(folder(), 'a.json');
    writeDurably(path, 'one');
    writeDurably(path, 'two');
    expect(readText(path)).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(createDurably(path, 'three')).toBe(false);
    expect(readText(path)).toBe('two');
    shred(path);
    shred(path);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('make one identity, also of two that are born at once', () => {
    const path = join(folder(), 'identity.json');
    const first = publicKeyOf(ownKey(path, rng));
    expect(publicKeyOf(ownKey(path, rng))).toBe(first);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, '{}');
    expect(() => ownKey(path, rng)).toThrow(/holds no key/);
  });
});

describe('the state', () => {
  it('is on the disk before anybody sees it, and comes back', () => {
    const path = join(folder(), 'state.json');
    new StateFile(path, fresh).change(() => ({ isIntroduced: true }));
    expect(new StateFile(path, fresh).now.isIntroduced).toBe(true);
  });

  it('that cannot be read is kept aside', () => {
    const path = join(folder(), 'state.json');
    writeFileSync(path, '{"v":1,"isIntro');
    expect(new StateFile(path, fresh).now).toEqual(fresh());
    expect(readFileSync(`${path}.unreadable`, 'utf8')).toBe('{"v":1,"isIntro');
  });

  it('changes nothing when the disk does not take it', () => {
    const path = join(folder(), 'gone', 'state.json');
    const state = new StateFile(path, fresh);
    expect(() => state.change(() => ({ isIntroduced: true }))).toThrow();
    expect(state.now.isIntroduced).toBe(false);
    expect(existsSync(path)).toBe(false);
  });

  it('keeps the credentials among too many letters', () => {
    const state = new StateFile(join(folder(), 'state.json'), fresh);
    const letter = (id: string): Letter => ({
      id,
      to: 'owner',
      event: {} as NostrEvent,
      madeAt: unixSeconds(1),
      takenBy: [],
    });
    const letters = Array.from({ length: MAX_LETTERS + 5 }, (_, index) => letter(`l${index}`));
    state.change(() => ({ letters, credentials: { sha256: 'x', letterIds: ['l0', 'l2'] } }));
    expect(state.now.letters.map(({ id }) => id)).toEqual(['l0', 'l2', ...letters.slice(7).map(({ id }) => id)]);
  });

  it('knows every message again, or that it is too old to be known', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 1_500 }), (dates) => {
        let state = fresh();
        dates.forEach((date, index) => {
          state = { ...state, ...withSeen(state, `id${index}`, date) };
        });
        expect(state.seen.length).toBeLessThanOrEqual(512);
        dates.forEach((date, index) => expect(isSeen(state, `id${index}`, date)).toBe(true));
      }),
      { numRuns: 20 },
    );
  });

  it('dates what is said in its order', () => {
    expect(nextDate({ ...fresh(), lastSaidAt: 1_000 }, unixSeconds(1_000))).toBe(1_001);
    expect(nextDate({ ...fresh(), lastSaidAt: 10 }, unixSeconds(1_000))).toBe(1_000);
    expect(nextDate({ ...fresh(), lastSaidAt: 9_000 }, unixSeconds(1_000))).toBe(1_000);
  });
});

describe('what is read by hand', () => {
  it('credentials: what is missing, and what is too much', () => {
    const good = {
      v: 1,
      bitcoin_rpc: { url: 'u', user: 'n', password: 'p' },
      lnbits: { token: 't', deep: {} },
      next_steps: ['a', 3],
    };
    expect(parseCredentials(JSON.stringify(good), ['SHA256:x'])).toEqual({
      bitcoinRpc: { url: 'u', user: 'n', password: 'p' },
      lnbits: { token: 't' },
      lnd: null,
      ssh: { user: 'root', hostKeys: ['SHA256:x'] },
      tailscale: null,
      nextSteps: ['a'],
    });
    for (const bad of [
      '',
      '[]',
      '{"v":1}',
      JSON.stringify({ ...good, v: 2 }),
      JSON.stringify({ ...good, bitcoin_rpc: { url: 'u', user: 'n' } }),
    ])
      expect(parseCredentials(bad, [])).toBeNull();
  });

  it('npub as everybody spells it', () => {
    for (let count = 0; count < 50; count++) {
      const key = publicKeyOf(generateSecretKey(rng));
      expect(npubOf(key)).toBe(encodeNpub(key));
    }
  });

  it('rpcauth as Bitcoin Core makes it', () => {
    // share/rpcauth, as published by BTCPay and checked there.
    const line = rpcAuthLine('rt', '93648e835a54c573682c2eb19f882535', 'cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=');
    expect(line).toBe(
      'rpcauth=rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144',
    );
    const conf = `server=1\n  ${line}\nprune=1\n`;
    expect(findRpcAuth(conf, 'rt')).toEqual({ user: 'rt', line });
    expect(findRpcAuth(conf, null)?.user).toBe('rt');
    expect(findRpcAuth(conf, 'other')).toBeNull();
    const changed = withLine(conf, 'rpcauth=rt:aa$bb', line);
    expect(changed).toBe('server=1\nrpcauth=rt:aa$bb\nprune=1\n');
    expect(withLine(changed!, 'rpcauth=rt:aa$bb', line)).toBe(changed);
    expect(withLine('server=1\n', 'x', 'y')).toBeNull();
  });

  it('fingerprints of public keys, and of nothing else', () => {
    expect(fingerprintOf('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl')).toEqual([
      'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
    ]);
    expect(fingerprintOf('-----BEGIN OPENSSH PRIVATE KEY-----')).toEqual([]);
  });
});
