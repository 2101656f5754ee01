import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import type { Log } from '../../lib/log.ts';
import { silentLog } from '../../lib/log.ts';
import { Outage } from './outage.ts';
import { Pulse } from './pulse.ts';
import { Reconnect } from './reconnect.ts';
import { Spellings, spellingsOf } from './spellings.ts';

const rng = { bytes: (length: number): Uint8Array => randomBytes(length) };
const failed = { served: false, unwelcome: false };
const served = { served: true, unwelcome: false };

describe('the wait before the next connection', () => {
  it('is short after one that served, and rationed: a relay that cuts us at once does not make us spin', () => {
    const clock = createHandClock();
    const reconnect = new Reconnect(clock, rng);
    const startMs = clock.monotonicMs();
    const waits = Array.from({ length: 105 }, () => {
      reconnect.succeeded();
      const waitMs = reconnect.next(served);
      clock.advance(waitMs);
      return waitMs;
    });
    expect(Math.max(...waits.slice(0, 5))).toBeLessThanOrEqual(250);
    expect(clock.monotonicMs() - startMs).toBeGreaterThan(95 * 3_000);
  });

  it('stays under 4.5 s for hours, then grows to a minute', () => {
    const clock = createHandClock();
    const reconnect = new Reconnect(clock, rng);
    const waitAll = (forMs: number): number => {
      let longest = 0;
      for (const endMs = clock.monotonicMs() + forMs; clock.monotonicMs() < endMs;) {
        const waitMs = reconnect.next(failed);
        longest = Math.max(longest, waitMs);
        clock.advance(waitMs);
      }
      return longest;
    };
    expect(waitAll(5.9 * 3_600_000)).toBeLessThan(4_500);
    expect(waitAll(2 * 3_600_000)).toBeGreaterThan(45_000);
    reconnect.succeeded();
    expect(reconnect.failures).toBe(0);
    expect(reconnect.next(failed)).toBeLessThan(1_000);
  });

  it('grows to a minute where our key is refused', () => {
    const reconnect = new Reconnect(createHandClock(), rng);
    const waits = Array.from({ length: 12 }, () => reconnect.next({ served: false, unwelcome: true }));
    expect(Math.max(...waits)).toBeGreaterThan(40_000);
  });
});

describe('spellings of a relay’s URL', () => {
  it.each([
    ['wss://a.example', ['wss://a.example', 'wss://a.example/', 'wss://a.example:443', 'wss://a.example:443/']],
    ['ws://a.example:7777/in', ['ws://a.example:7777/in', 'ws://a.example:7777/in/']],
    [
      'wss://[::1]/p?q=1',
      ['wss://[::1]/p?q=1', 'wss://[::1]/p/?q=1', 'wss://[::1]:443/p?q=1', 'wss://[::1]:443/p/?q=1'],
    ],
  ])('of %s', (url, expected) => expect(spellingsOf(url)).toEqual(expected));

  it('are remembered for a bounded number of relays, proven ones through a lost connection', () => {
    const spellings = new Spellings();
    spellings.worked('wss://a.example', 'wss://a.example/');
    spellings.cut('wss://a.example', 'wss://a.example/');
    expect(spellings.of('wss://a.example')[0]).toBe('wss://a.example/');
    spellings.cut('wss://b.example', 'wss://b.example');
    expect(spellings.of('wss://b.example')[0]).toBe('wss://b.example/');
    for (let i = 0; i < 500; i++) spellings.of(`wss://${i}.example`);
    expect(spellings.of('wss://a.example')[0]).toBe('wss://a.example');
  });
});

describe('an outage', () => {
  const createLog = (): { log: Log; lines: string[] } => {
    const lines: string[] = [];
    const info: Log['info'] = (name, fields) => void lines.push(`${name} ${fields?.['seconds'] as number}`);
    return { log: { ...silentLog, info }, lines };
  };

  it('is said once and its end once, however many tries; a hiccup is no news', () => {
    const clock = createHandClock();
    const { log, lines } = createLog();
    const outage = new Outage('wss://a.example', clock, log);
    outage.began();
    clock.advance(9_000);
    outage.ended();
    outage.began();
    for (let i = 0; i < 100; i++) {
      outage.began();
      outage.because('unreachable');
      clock.advance(1_000);
    }
    outage.ended();
    outage.ended();
    clock.advance(60_000);
    expect(lines).toEqual(['relay.lost 10', 'relay.back 100']);
  });
});

describe('the pulse', () => {
  it('after a sleep of the machine, a connection has seconds to show that it lives', () => {
    const clock = createHandClock();
    let pings = 0;
    let isDead = false;
    new Pulse({ clock, ping: () => void (pings += 1), onDead: () => void (isDead = true) });
    clock.advance(5_000);
    clock.advance(3 * 3_600_000);
    expect([pings, isDead]).toEqual([1, false]);
    clock.advance(5_000);
    expect(isDead).toBe(true);
  });

  it('that answers after the sleep stays', () => {
    const clock = createHandClock();
    let isDead = false;
    const pulse: Pulse = new Pulse({ clock, ping: () => pulse.heard(), onDead: () => void (isDead = true) });
    clock.advance(3 * 3_600_000);
    for (let i = 0; i < 20; i++) clock.advance(5_000);
    expect(isDead).toBe(false);
  });
});
