import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RpcId } from './render.ts';
import { canonicalJson, paramsDigest, replayKey } from './replay-key.ts';

describe('canonicalJson', () => {
  it('sorts keys at every level and leaves lists in order', () => {
    expect(canonicalJson({ b: [2, 1], a: { d: null, c: 'é"' } })).toBe('{"a":{"c":"é\\"","d":null},"b":[2,1]}');
  });

  it('means the same as the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        expect(canonicalJson(Object.fromEntries(Object.entries(object).reverse()))).toBe(canonicalJson(object));
      }),
    );
  });
});

describe('replayKey', () => {
  const key = (sender: string, id: RpcId, method: string, params: Record<string, unknown>): string =>
    replayKey(sender, { id, method, params });
  const base = key('aa', 1, 'job.create', { request: 'x', prepay: true });

  it('is the same for the same request in another spelling', () => {
    expect(key('aa', 1, 'job.create', { prepay: true, request: 'x' })).toBe(base);
    expect(base).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['sender', key('ab', 1, 'job.create', { request: 'x', prepay: true })],
    ['type of id', key('aa', '1', 'job.create', { request: 'x', prepay: true })],
    ['method', key('aa', 1, 'quote', { request: 'x', prepay: true })],
    ['params', key('aa', 1, 'job.create', { request: 'x', prepay: false })],
  ])('differs by %s', (_what, other) => {
    expect(other).not.toBe(base);
  });

  it('digests params alone for the key of the create methods', () => {
    expect(paramsDigest({ a: 1, b: 2 })).toBe(paramsDigest({ b: 2, a: 1 }));
    expect(paramsDigest({ a: 1 })).not.toBe(paramsDigest({ a: '1' }));
  });
});
