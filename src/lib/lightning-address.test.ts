import { bech32 } from '@scure/base';
import { describe, expect, it } from 'vitest';
import { parseLightningAddress, parseLnurl, whyUnpayable } from './lightning-address.ts';

const lnurl = (url: string, prefix = 'lnurl'): string => bech32.encode(prefix, bech32.toWords(Buffer.from(url)), 2048);

describe('parseLightningAddress', () => {
  it.each([
    ['me@example.com', 'https://example.com/.well-known/lnurlp/me'],
    [' Me@Example.COM ', 'https://example.com/.well-known/lnurlp/me'],
    ['lightning:me@example.com', 'https://example.com/.well-known/lnurlp/me'],
    ['a.b_c-d+tag@pay.example.co.uk', 'https://pay.example.co.uk/.well-known/lnurlp/a.b_c-d%2Btag'],
    ['me@xn--bcher-kva.example', 'https://xn--bcher-kva.example/.well-known/lnurlp/me'],
    ['1@2.io', 'https://2.io/.well-known/lnurlp/1'],
  ])('%j', (text, url) => expect(parseLightningAddress(text)?.url).toBe(url));

  it.each([
    '',
    'me',
    '@example.com',
    'me@',
    'me@@example.com',
    'a@b@example.com',
    'me@localhost',
    'me@127.0.0.1',
    'me@2130706433',
    'me@[::1]',
    'me@example.com:8080',
    'me@example.com/path',
    'me@example.com?x',
    'me@example.com#x',
    'me@-bad.com',
    'me@bad-.com',
    'me@exa mple.com',
    'me@example..com',
    'me@example.com.',
    'me@.com',
    'me@example.c',
    'mé@example.com',
    'me/../x@example.com',
    `${'a'.repeat(65)}@example.com`,
    `me@${'a'.repeat(64)}.com`,
    `me@${'a.'.repeat(130)}com`,
  ])('%j is none', (text) => expect(parseLightningAddress(text)).toBeNull());

  it.each([
    ['me@127.0.0.1:8080', 'http://127.0.0.1:8080/.well-known/lnurlp/me'],
    ['me@localhost', 'http://localhost/.well-known/lnurlp/me'],
    ['me@example.com:81', 'http://example.com:81/.well-known/lnurlp/me'],
    ['me@example.com', 'https://example.com/.well-known/lnurlp/me'],
  ])('on a private network %j', (text, url) => {
    expect(parseLightningAddress(text, { allowPrivateNetwork: true })?.url).toBe(url);
  });

  it.each(['me@host:99999', 'me@user:pw@host', 'me@host/path'])('on a private network %j is none', (text) => {
    expect(parseLightningAddress(text, { allowPrivateNetwork: true })).toBeNull();
  });
});

describe('parseLnurl', () => {
  it('reads the example of LUD-01', () => {
    const example =
      'LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS';
    const url = 'https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df';
    expect(parseLnurl(example)).toBe(url);
    expect(parseLnurl(`lightning:${example.toLowerCase()}`)).toBe(url);
  });

  it.each([
    '',
    'lnurl1',
    'lnbc1abc',
    lnurl('https://example.com/').slice(0, -1),
    lnurl('https://example.com/', 'lnurlx'),
    lnurl('javascript:alert(1)'),
    lnurl('file:///etc/passwd'),
    lnurl('https://exa mple.com/'),
    lnurl('https://example.com/\u0000'),
    `Lnurl1${lnurl('https://example.com/').slice(6)}`,
    'x'.repeat(3000),
  ])('%j is none', (text) => expect(parseLnurl(text)).toBeNull());
});

describe('lnurlp:// (LUD-17)', () => {
  it('stands for https, and in development for http where the host is no public domain', () => {
    expect(parseLnurl('lnurlp://pay.example.com/.well-known/lnurlp/alice')).toBe(
      'https://pay.example.com/.well-known/lnurlp/alice',
    );
    const local = 'lnurlp://127.0.0.1:8080/.well-known/lnurlp/alice';
    expect(parseLnurl(local, { allowPrivateNetwork: true })).toBe('http://127.0.0.1:8080/.well-known/lnurlp/alice');
  });
});

describe('what speaks against a destination before it is stored', () => {
  it.each([
    ['me@example.com', null],
    [lnurl('https://pay.example.com/x'), null],
    [`${lnurl('https://pay.example.com/x').slice(0, -1)}q`, 'malformed'],
    [lnurl('http://pay.example.com/x'), 'not_https'],
    [lnurl('https://127.0.0.1/x'), 'no_public_host'],
    ['lnurlp://127.0.0.1:8080/.well-known/lnurlp/alice', 'no_public_host'],
    ['lnurlp://wallet.local/x', 'no_public_host'],
  ])('%s: %s', (text, why) => expect(whyUnpayable(text)).toBe(why));
});
