import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvelope, type Envelope } from './envelope.ts';

const LIMIT = 32_768;
const read = (text: string): Envelope => parseEnvelope(text, LIMIT);
const call = (members: Record<string, unknown>): string => JSON.stringify({ jsonrpc: '2.0', ...members });
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

describe('parseEnvelope: requests', () => {
  it.each([
    ['with params', call({ id: 1, method: 'quote', params: { request: 'x' } }), 1, { request: 'x' }],
    ['without params', call({ id: 'a', method: 'info' }), 'a', {}],
    ['with null params', call({ id: 'a', method: 'info', params: null }), 'a', {}],
    ['with no positional params', call({ id: 'a', method: 'info', params: [] }), 'a', {}],
    ['with id null', call({ id: null, method: 'info' }), null, {}],
    ['with id zero', call({ id: 0, method: 'info' }), 0, {}],
    ['with a fraction for id', call({ id: 1.5, method: 'info' }), 1.5, {}],
    ['with blank space around', `\n  ${call({ id: 2, method: 'info' })}\n`, 2, {}],
    ['with a byte order mark', `\ufeff${call({ id: 2, method: 'info' })}`, 2, {}],
    ["with a client's comment line", `[//]: # (nip18)\n${call({ id: 2, method: 'info' })}`, 2, {}],
  ])('%s', (_name, text, id, params) => {
    expect(read(text)).toMatchObject({ type: 'request', id, params });
  });

  it('tells 1 from "1"', () => {
    expect(read(call({ id: 1, method: 'info' }))).toMatchObject({ id: 1 });
    expect(read(call({ id: '1', method: 'info' }))).toMatchObject({ id: '1' });
  });

  it('echoes any id that it accepts, exactly', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.maxSafeInteger(), fc.constant(null)),
        (id) => {
          expect(read(call({ id, method: 'info' }))).toMatchObject({ type: 'request', id: id === 0 ? 0 : id });
        },
      ),
    );
  });
});

describe('parseEnvelope: failures', () => {
  it.each([
    ['cut in the middle', '{"jsonrpc":"2.0","id":1,"method":"inf', null, -32700],
    ['words behind it', `${call({ id: 1, method: 'info' })} please`, null, -32700],
    ['batch', `[${call({ id: 1, method: 'info' })}]`, null, -32600],
    ['batch with junk', `[1,${call({ id: 1, method: 'info' })}]`, null, -32600],
    ['old version', '{"jsonrpc":"1.0","id":1,"method":"info"}', 1, -32600],
    ['version as a number', '{"jsonrpc":2.0,"id":1,"method":"info"}', 1, -32600],
    ['no method', call({ id: 1 }), 1, -32600],
    ['method no string', call({ id: 1, method: 7 }), 1, -32600],
    ['method empty', call({ id: 1, method: '' }), 1, -32600],
    ['method far too long', call({ id: 1, method: 'm'.repeat(65) }), 1, -32600],
    ['id an object', call({ id: {}, method: 'info' }), null, -32600],
    ['id a boolean', call({ id: true, method: 'info' }), null, -32600],
    ['id beyond doubles', '{"jsonrpc":"2.0","id":12345678901234567890,"method":"info"}', null, -32600],
    ['id infinite', '{"jsonrpc":"2.0","id":1e999,"method":"info"}', null, -32600],
    ['id far too long', call({ id: 'x'.repeat(257), method: 'info' }), null, -32600],
    ['params a string', call({ id: 1, method: 'info', params: 'x' }), 1, -32600],
    ['params positional', call({ id: 1, method: 'quote', params: ['x'] }), 1, -32602],
    ['params too deep', call({ id: 1, method: 'quote', params: nested(16) }), 1, -32600],
    ['a __proto__ key', '{"jsonrpc":"2.0","id":1,"method":"info","params":{"a":{"__proto__":{"x":1}}}}', 1, -32600],
    ['a __proto__ key on top', '{"jsonrpc":"2.0","id":1,"method":"info","__proto__":{"x":1}}', 1, -32600],
  ])('%s', (_name, text, id, code) => {
    expect(read(text)).toMatchObject({ type: 'failure', id, code });
  });

  it('takes sixteen levels', () => {
    expect(read(call({ id: 1, method: 'quote', params: { a: nested(14) } }))).toMatchObject({ type: 'request' });
    expect(read(call({ id: 1, method: 'quote', params: { a: nested(15) } }))).toMatchObject({ type: 'failure' });
  });

  it('says too large by bytes, with the id where it can be read', () => {
    const text = call({ id: 'big', method: 'job.create', params: { request: 'é'.repeat(60) } });
    expect(parseEnvelope(text, Buffer.byteLength(text))).toMatchObject({ type: 'request' });
    expect(parseEnvelope(text, Buffer.byteLength(text) - 1)).toMatchObject({ id: 'big', code: -32004 });
    expect(parseEnvelope(`${text}}`, 20)).toMatchObject({ id: null, code: -32004 });
  });

  it('survives nesting that would exhaust a stack', () => {
    const deep = `{"jsonrpc":"2.0","id":1,"method":"info","params":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(parseEnvelope(deep, 100_000)).toMatchObject({ type: 'failure', id: 1, code: -32600 });
  });

  it('lets no key reach a prototype', () => {
    read('{"jsonrpc":"2.0","id":1,"method":"info","params":{"__proto__":{"polluted":true}}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('parseEnvelope: what is never answered', () => {
  it.each([
    ['a result', '{"jsonrpc":"2.0","id":1,"result":{}}'],
    ['an error', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'],
    ['a notification', '{"jsonrpc":"2.0","method":"job.updated","params":{}}'],
    ['a notification with faults', '{"jsonrpc":"3.0","method":7}'],
    ['a batch of answers', '[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","method":"x"}]'],
    ['a result far too large', call({ id: 1, result: 'x'.repeat(LIMIT) })],
  ])('%s', (_name, text) => {
    expect(read(text)).toEqual({ type: 'ignored' });
  });
});

describe('parseEnvelope: words', () => {
  it.each([
    'help',
    '',
    '   ',
    'what does {"jsonrpc":"2.0"} mean',
    '{"method":"info","id":1}',
    '{ this is how I write poems }',
    '[1,2,3]',
    '[]',
    '{}',
    '"jsonrpc"',
    '[{"text":"\\"jsonrpc\\""}]',
    '{"text":"jsonrpc"}',
    '{"data":{"jsonrpc":"2.0"}}',
    '["jsonrpc"]',
  ])('%j', (text) => {
    expect(read(text)).toEqual({ type: 'notRpc' });
  });

  it('never throws', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => `{"jsonrpc":"2.0","id":1,"method":"x","params":${json}}`),
      fc.json(),
      fc.string().map((junk) => `{"jsonrpc":${junk}`),
    );
    fc.assert(
      fc.property(hostile, fc.integer({ min: 0, max: 200 }), (text, limit) => {
        expect(['notRpc', 'ignored', 'request', 'failure']).toContain(parseEnvelope(text, limit).type);
      }),
    );
  });
});
