import { describe, expect, it } from 'vitest';
import { unixSeconds } from '../lib/units.ts';
import type { NostrEvent } from './event.ts';
import { matchesFilter } from './filters.ts';
import { lightningAddressOf, profileEvent } from './profile.ts';
import { dmRelayList, parseDmRelayList, parseRelayList, relayList } from './relay-list.ts';
import { normalizeRelayUrl } from './relay-url.ts';
import { readEvent } from './verify.ts';

const now = unixSeconds(1_800_000_000);
const signed = (template: Partial<NostrEvent>): NostrEvent => ({
  id: '0'.repeat(64),
  pubkey: '1'.repeat(64),
  sig: '2'.repeat(128),
  created_at: now,
  kind: 1,
  tags: [],
  content: '',
  ...template,
});

describe('normalizeRelayUrl', () => {
  it.each([
    ['wss://Relay.Example.COM/', 'wss://relay.example.com'],
    ['wss://relay.example.com:443', 'wss://relay.example.com'],
    ['ws://127.0.0.1:80/', 'ws://127.0.0.1'],
    ['ws://localhost:7777', 'ws://localhost:7777'],
    [' WSS://relay.example/path/ ', 'wss://relay.example/path'],
    ['wss://relay.example./', 'wss://relay.example'],
    ['wss://relay.example/?a=b', 'wss://relay.example?a=b'],
    ['ws://[::1]:7777/', 'ws://[::1]:7777'],
  ])('%s → %s', (text, url) => {
    expect(normalizeRelayUrl(text)).toBe(url);
    expect(normalizeRelayUrl(url)).toBe(url);
  });

  it.each([
    '',
    'relay.example',
    'https://relay.example',
    'wss://',
    'wss://user@relay.example',
    'wss://u:p@relay.example',
    'wss://relay.example/#x',
    'wss://relay.example/#',
    'wss://rel ay.example',
    'wss://relay.example:99999',
    'javascript:alert(1)',
    `wss://relay.example/${'a'.repeat(256)}`,
    'wss://relay.\nexample',
  ])('refuses %j', (text) => expect(normalizeRelayUrl(text)).toBeNull());
});

describe('relay lists', () => {
  it('reads back what it builds', () => {
    const urls = ['wss://a.example', 'wss://b.example'];
    expect(parseDmRelayList(signed(dmRelayList(urls, now)))).toEqual(urls);
    expect(parseRelayList(signed(relayList(urls, now)))).toEqual({ read: urls, write: urls });
  });

  it('takes at most five, each once, and nothing that is no relay', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ['relay', `wss://r${i}.example`]);
    const event = signed({
      kind: 10050,
      tags: [['relay'], ['relay', 'http://x'], ['relay', 'wss://R0.example/'], ...many],
    });
    expect(parseDmRelayList(event)).toEqual([0, 1, 2, 3, 4].map((i) => `wss://r${i}.example`));
    expect(parseDmRelayList(signed({ kind: 10002, tags: many }))).toEqual([]);
  });

  it('tells reading from writing', () => {
    const tags = [
      ['r', 'wss://in.example', 'read'],
      ['r', 'wss://out.example', 'write'],
      ['r', 'wss://both.example'],
    ];
    expect(parseRelayList(signed({ kind: 10002, tags }))).toEqual({
      read: ['wss://in.example', 'wss://both.example'],
      write: ['wss://out.example', 'wss://both.example'],
    });
  });
});

describe('profile', () => {
  it('says that we are a bot, and our Lightning address can be read from it', () => {
    const event = signed(profileEvent({ name: 'Timmy', about: 'jobs', lud16: 'Timmy@Pay.Example' }, now));
    expect(JSON.parse(event.content)).toEqual({
      name: 'Timmy',
      display_name: 'Timmy',
      about: 'jobs',
      lud16: 'Timmy@Pay.Example',
      bot: true,
    });
    expect(lightningAddressOf(event)).toBe('timmy@pay.example');
  });

  it.each(['', '[]', 'null', '{"lud16":7}', '{"lud16":"lnurl1abc"}', '{"lud16":"a@b/c"}', '{'])(
    'finds none in %s',
    (content) => {
      expect(lightningAddressOf(signed({ kind: 0, content }))).toBeNull();
    },
  );
});

it('matches filters as NIP-01 says', () => {
  const event = signed({ kind: 1059, tags: [['p', 'x'], ['p']] });
  expect(matchesFilter(event, {})).toBe(true);
  expect(
    matchesFilter(event, {
      kinds: [1059],
      '#p': ['x'],
      since: now,
      until: now,
      authors: [event.pubkey],
      ids: [event.id],
    }),
  ).toBe(true);
  const misses = [
    { kinds: [] },
    { kinds: [4] },
    { '#p': ['y'] },
    { '#e': ['x'] },
    { since: now + 1 },
    { until: now - 1 },
    { authors: ['x'] },
    { ids: ['x'] },
  ];
  for (const filter of misses) expect(matchesFilter(event, filter)).toBe(false);
});

it('does not read what is over the caps as an event', () => {
  expect(readEvent(signed({ content: 'a'.repeat(131_073) }))).toBeNull();
  expect(readEvent(null)).toBeNull();
});
