import { describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { relayDoor } from './relay-door.ts';
import { createWsSockets } from './ws-socket.ts';

const rules = (address: string, allowPrivateNetwork = false) => ({
  clock: createHandClock(),
  allowPrivateNetwork,
  resolve: async () => [address],
});
const PUBLIC = '93.184.216.34';

describe('relayDoor', () => {
  it.each([
    ['ws://relay.example', PUBLIC],
    ['wss://127.0.0.1', PUBLIC],
    ['wss://[::1]', PUBLIC],
    ['wss://169.254.169.254', PUBLIC],
    ['wss://relay.example', '10.0.0.1'],
    ['wss://relay.example:7777', '127.0.0.1'],
  ])('lets no stranger lead us to %s (%s)', async (url, address) => {
    await expect(relayDoor([], rules(address))(url)).rejects.toThrow(/^outbound\./);
  });

  it('lets public relays in, pinned, and the operator’s wherever they are', async () => {
    await expect(relayDoor([], rules(PUBLIC))('wss://relay.example')).resolves.toBeTypeOf('function');
    await expect(relayDoor(['ws://127.0.0.1:7777'], rules(PUBLIC))('ws://127.0.0.1:7777')).resolves.toBeNull();
    await expect(relayDoor([], rules('10.0.0.1', true))('ws://relay.example')).resolves.toBeTypeOf('function');
  });

  it('ends a socket that is not admitted, once, and never throws', async () => {
    const codes: number[] = [];
    await new Promise<void>((resolve) => {
      const handlers = {
        onOpen() {},
        onText() {},
        onPong() {},
        onClose: (code: number) => resolve(void codes.push(code)),
      };
      const socket = createWsSockets(relayDoor([], rules(PUBLIC)))('ws://127.0.0.1:1', handlers);
      socket.send('early');
      socket.ping();
      socket.pause();
      socket.resume();
    });
    expect(codes).toEqual([1006]);
  });
});
