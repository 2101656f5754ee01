import { createHash } from 'node:crypto';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Duplex } from 'node:stream';
import { withTimeout, type Clock } from '../../lib/clock.ts';
import type { Rng } from '../../lib/rng.ts';
import { CLOSE, encodeFrame, FrameReader, PING, PONG, TEXT } from './frames.ts';

/** RFC 6455, 1.3. */
const ACCEPT_SALT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CONNECT_TIMEOUT_MS = 20_000;
/** A silent relay is asked for a sign of life, and let go when none comes within as long. */
const SILENCE_MS = 45_000;
/** A relay that does not read what it is sent is let go. Bytes. */
const MAX_UNSENT_BYTES = 2 * 1024 * 1024;

export interface TextSocket {
  send(text: string): void;
  close(): void;
}

export interface SocketEvents {
  onText(text: string): void;
  /** Once, whatever ended it; nothing is said after it. */
  onEnd(): void;
}

/**
 * A WebSocket to `url` (ws or wss, certificates checked), for text. Debian's Node has no global one, and a library
 * would take half of user_data's room. No redirects, no compression.
 * @throws (rejects) Error when it is not open within 20 s.
 */
export function openSocket(
  url: string,
  events: SocketEvents,
  { clock, rng }: { clock: Clock; rng: Rng },
): Promise<TextSocket> {
  const key = Buffer.from(rng.bytes(16)).toString('base64');
  const request = url.startsWith('wss:') ? requestTls : requestPlain;
  const limit = withTimeout(clock, CONNECT_TIMEOUT_MS);
  return new Promise<TextSocket>((resolve, reject) => {
    const handshake = request(url.replace(/^ws/, 'http'), {
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key },
      signal: limit.signal,
      agent: false,
    });
    handshake.on('error', reject);
    handshake.on('response', (response: IncomingMessage) => {
      response.destroy();
      reject(new Error(`websocket: HTTP ${response.statusCode ?? 0}`));
    });
    handshake.on('upgrade', (response: IncomingMessage, stream: Duplex, head: Buffer) => {
      const accept = createHash('sha1')
        .update(key + ACCEPT_SALT)
        .digest('base64');
      if (response.headers['sec-websocket-accept'] === accept) return resolve(serve(stream, head, events, clock, rng));
      stream.destroy();
      reject(new Error('websocket: not accepted'));
    });
    handshake.end();
  }).finally(limit.done);
}

function serve(stream: Duplex, head: Buffer, events: SocketEvents, clock: Clock, rng: Rng): TextSocket {
  const reader = new FrameReader();
  let isOpen = true;
  let isAsked = false;
  let cancelWatch = (): void => {};

  function end(): void {
    if (!isOpen) return;
    isOpen = false;
    cancelWatch();
    stream.destroy();
    events.onEnd();
  }
  function write(opcode: number, payload: Buffer): void {
    if (!isOpen) return;
    if (stream.writableLength > MAX_UNSENT_BYTES) return end();
    stream.write(encodeFrame(opcode, payload, rng.bytes(4)));
  }
  function watch(): void {
    cancelWatch();
    cancelWatch = clock.after(SILENCE_MS, () => {
      if (isAsked) return end();
      isAsked = true;
      write(PING, Buffer.alloc(0));
      if (isOpen) watch();
    });
  }
  function read(chunk: Buffer): void {
    isAsked = false;
    try {
      for (const { opcode, payload } of reader.read(chunk)) {
        if (!isOpen) return;
        if (opcode === TEXT) events.onText(payload.toString('utf8'));
        else if (opcode === PING) write(PONG, payload);
        else if (opcode === CLOSE) return end();
      }
    } catch {
      return end(); // not the protocol: nothing after it can be read
    }
    if (isOpen) watch();
  }

  stream.on('error', end);
  stream.on('end', end);
  stream.on('close', end);
  watch();
  if (head.length > 0) stream.unshift(head);
  setImmediate(() => stream.on('data', read)); // once the caller has its socket
  return {
    send: (text) => write(TEXT, Buffer.from(text)),
    close() {
      write(CLOSE, Buffer.of(0x03, 0xe8));
      end();
    },
  };
}
