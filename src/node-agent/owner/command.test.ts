import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand } from './command.ts';

const words = (text: string): unknown => {
  const asked = readCommand(text);
  return asked?.voice === 'words' ? asked.command : 'no words';
};
const rpc = (method: string, params?: unknown): unknown => {
  const asked = readCommand(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }));
  return asked?.voice === 'rpc' ? asked.command : asked;
};

describe("the owner's words", () => {
  it.each([
    ['status', { do: 'status' }],
    [' /Peers ', { do: 'peers' }],
    ['restart', { do: 'restart', service: null }],
    ['restart bitcoind', { do: 'restart', service: 'bitcoin' }],
    ['Restart LND', { do: 'restart', service: 'lnd' }],
    ['logs', { do: 'logs', source: 'bitcoin', lines: 30 }],
    ['logs lnbits 5', { do: 'logs', source: 'lnbits', lines: 5 }],
    ['logs 100', { do: 'logs', source: 'bitcoin', lines: 100 }],
    ['logs setup 99999', { do: 'logs', source: 'setup', lines: 200 }],
    ['rotate', { do: 'rotate' }],
  ])('%s', (text, command) => expect(words(text)).toEqual(command));

  it.each([
    'restart the world',
    'restart ../../etc',
    'logs lnd 5 6',
    'status of my heart',
    'hello',
    'rotate now',
    'logs lnd; rm -rf /',
    '{"no json',
  ])('are not understood: %s', (text) => expect(words(text)).toBeNull());

  it('are nothing to answer when there are none', () => expect(readCommand('  \n')).toBeNull());
});

describe("the owner's requests", () => {
  it('name methods and services of a list', () => {
    expect(rpc('node.status')).toEqual({ do: 'status' });
    expect(rpc('node.restart', { service: 'lnd' })).toEqual({ do: 'restart', service: 'lnd' });
    expect(rpc('node.logs', { service: 'setup', lines: 3 })).toEqual({ do: 'logs', source: 'setup', lines: 3 });
    expect(rpc('node.restart', { service: 'sshd' })).toMatchObject({ code: -32602 });
    expect(rpc('node.logs', { lines: 0 })).toMatchObject({ code: -32602 });
    expect(rpc('node.logs', [1])).toMatchObject({ code: -32602 });
    expect(rpc('node.destroy')).toMatchObject({ code: -32601 });
    expect(readCommand('{"id":1,"method":"node.status"}')).toMatchObject({ command: { code: -32600 } });
  });

  it('get no answer without an id, nor do answers', () => {
    expect(readCommand('{"jsonrpc":"2.0","method":"node.rotate"}')).toBeNull();
    expect(readCommand('{"jsonrpc":"2.0","id":1,"result":{}}')).toBeNull();
  });

  it('never throws, whatever is written', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readCommand(text)));
  });
});
