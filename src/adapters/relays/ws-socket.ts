import type { LookupFunction } from 'node:net';
import { WebSocket, type ClientOptions, type RawData } from 'ws';
import { MAX_FRAME_BYTES, OVERSIZE_CODE, type SocketFactory } from './socket.ts';

/**
 * Above this the socket is cut. It is more than relays store, and more than we read: an event that we pass over must
 * not cut the connection each time that a relay sends it, or one hostile wrap would make that relay useless to us.
 */
const CUT_BYTES = 4 * MAX_FRAME_BYTES;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const LOST_CODE = 1006;
/** What `ws` calls a frame over `maxPayload`. */
const TOO_LONG = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

/** Decides whether a URL may be called, and through which `lookup` (null: the system's). Rejects if it may not. */
export type Admit = (url: string) => Promise<LookupFunction | null>;

/** Sockets of the `ws` package, without compression (which costs more than it saves here). */
export function createWsSockets(admit?: Admit): SocketFactory {
  return (url, handlers) => {
    let socket: WebSocket | null = null;
    let isDone = false;
    const finish = (code: number): void => {
      if (isDone) return;
      isDone = true;
      handlers.onClose(code);
    };
    const open = (lookup: LookupFunction | null): void => {
      if (isDone) return;
      const opened = connect(url, lookup);
      socket = opened;
      // Without this listener a refused connection would end the process.
      opened.on('error', (error) => {
        opened.terminate();
        if ('code' in error && error.code === TOO_LONG) finish(OVERSIZE_CODE);
      });
      opened.on('open', () => handlers.onOpen());
      opened.on('pong', () => handlers.onPong());
      opened.on('message', (data, isBinary) => {
        const text = isBinary ? null : textOf(data);
        if (text !== null && !isDone) handlers.onText(text);
      });
      opened.on('close', finish);
    };
    const admitted = admit === undefined ? Promise.resolve(null) : admit(url);
    admitted.then(open).catch(() => finish(LOST_CODE));
    const isOpen = (): boolean => socket?.readyState === WebSocket.OPEN;
    return {
      send: (text) => {
        if (isOpen()) socket?.send(text, () => {});
      },
      ping: () => {
        if (isOpen()) socket?.ping(undefined, undefined, () => {});
      },
      pause: () => {
        if (isOpen()) socket?.pause();
      },
      resume: () => {
        if (isOpen()) socket?.resume();
      },
      terminate: () => {
        // A paused socket would never see its own end.
        if (isOpen()) socket?.resume();
        if (socket === null) queueMicrotask(() => finish(LOST_CODE));
        else socket.terminate();
      },
    };
  };
}

function connect(url: string, lookup: LookupFunction | null): WebSocket {
  const options: ClientOptions = {
    perMessageDeflate: false,
    maxPayload: CUT_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    followRedirects: false,
  };
  return new WebSocket(url, lookup === null ? options : { ...options, lookup });
}

/** Null for a frame over our limit. */
function textOf(data: RawData): string | null {
  if (!Buffer.isBuffer(data)) return null; // `ws` hands out one Buffer unless told otherwise.
  return data.length <= MAX_FRAME_BYTES ? data.toString('utf8') : null;
}
