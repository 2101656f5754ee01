import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { systemClock, systemRng } from '../system.ts';
import { openSocket, type TextSocket } from './socket.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));
const ports = { clock: systemClock, rng: systemRng };

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/path?q=1`;
}

async function serving(onClient: (socket: WebSocket) => void): Promise<string> {
  const http = createServer();
  new WebSocketServer({ server: http }).on('connection', onClient);
  return listening(http);
}

describe('a WebSocket', () => {
  it('carries text both ways, small and large, what came with the handshake too, and answers pings', async () => {
    let pongs = 0;
    const url = await serving((socket) => {
      socket.send('at once');
      socket.on('pong', () => (pongs += 1));
      socket.on('message', (data: Buffer) => {
        socket.ping('are you there');
        socket.send(`heard ${data.toString('utf8')}`);
      });
    });
    const heard: string[] = [];
    const socket = await openSocket(url, { onText: (text) => heard.push(text), onEnd() {} }, ports);
    const long = 'é'.repeat(60_000);
    socket.send('one');
    socket.send(long);
    await expect.poll(() => heard).toEqual(['at once', 'heard one', `heard ${long}`]);
    await expect.poll(() => pongs).toBe(2);
    socket.close();
  });

  it('ends once, whoever ends it', async () => {
    for (const end of [
      (server: WebSocket) => server.close(1000),
      (server: WebSocket) => server.terminate(),
      (server: WebSocket) => server.send(Buffer.from('binary')),
      (_: WebSocket, client: TextSocket) => client.close(),
    ]) {
      let server: WebSocket | null = null;
      const url = await serving((socket) => (server = socket));
      let ends = 0;
      const client = await openSocket(url, { onText() {}, onEnd: () => (ends += 1) }, ports);
      await expect.poll(() => server).not.toBeNull();
      end(server!, client);
      await expect.poll(() => ends).toBe(1);
      client.close();
      client.send('into nothing');
      expect(ends).toBe(1);
    }
  });

  it('is not opened by what is none', async () => {
    const refusing = await listening(createServer((_, response) => response.writeHead(503).end()));
    const pretending = createServer();
    pretending.on('upgrade', (_request, stream) =>
      stream.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm8=\r\n\r\n',
      ),
    );
    const events = { onText() {}, onEnd() {} };
    await expect(openSocket(refusing, events, ports)).rejects.toThrow('HTTP 503');
    await expect(openSocket(await listening(pretending), events, ports)).rejects.toThrow('not accepted');
    await expect(openSocket('ws://127.0.0.1:1', events, ports)).rejects.toThrow();
    await expect(openSocket('not a url', events, ports)).rejects.toThrow();
  });
});
