import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { RelayCore } from './relay-core.ts';

/** As large as a frame with the largest event that Timmy reads. */
const MAX_FRAME_BYTES = 262_144;
/** A client that does not read what it asked for is let go. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const MAX_CLIENTS = 200;

export interface DevRelay {
  /** `ws://127.0.0.1:7777` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * The relay of `timmy start --dev`: NIP-01, in memory, on this machine only. It verifies every event, asks for no
 * AUTH, and forgets everything at the end. Port 0 picks a free one. Rejects when the port is taken.
 */
export async function startDevRelay(options: { readonly port: number; readonly host?: string }): Promise<DevRelay> {
  const host = options.host ?? '127.0.0.1';
  const core = new RelayCore();
  const http = createServer(answerHttp);
  const server = new WebSocketServer({ server: http, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  server.on('error', () => {}); // The http server's errors arrive here as well; `listening` below rejects for them.
  server.on('connection', (socket) => serve(core, socket, server.clients.size));
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(options.port, host, resolve);
  });
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close();
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function serve(core: RelayCore, socket: WebSocket, clients: number): void {
  socket.on('error', () => socket.terminate());
  if (clients > MAX_CLIENTS) return socket.close(1013, 'too many clients');
  const session = core.connect((message) => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) return socket.terminate();
    socket.send(JSON.stringify(message));
  });
  socket.on('message', (data, isBinary) => {
    if (!isBinary) session.receive(frameText(data));
  });
  socket.on('close', () => session.close());
}

/** The text of a frame. `ws` hands out one Buffer unless told otherwise. */
export function frameText(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : '';
}

/** NIP-11, for clients that ask. */
function answerHttp(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/nostr+json', 'access-control-allow-origin': '*' });
  response.end(JSON.stringify({ name: 'timmy --dev', supported_nips: [1, 11], software: 'timmy' }));
}
