import WebSocket from 'ws';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';

export interface HintSources {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

type Hint = (paymentHash: string | null) => void;

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const MAX_MESSAGE_BYTES = 64 * 1024;

/** Sockets on single invoices at a time; the oldest gives way. */
const MAX_FOLLOWED = 40;

/** Who wants hints, and which of LNbits' sockets are open for them. Opens none before it has both. */
export class Hints {
  readonly #baseUrl: string;
  readonly #sources: HintSources;
  readonly #watchers = new Set<Hint>();
  readonly #open = new Map<string, () => void>();
  #walletTopic: string | null = null;
  #followsEach = false;

  constructor(baseUrl: string, sources: HintSources) {
    this.#baseUrl = baseUrl;
    this.#sources = sources;
  }

  /** Returns a function that stops it; the last one closes every socket. */
  watch(hint: Hint): () => void {
    this.#watchers.add(hint);
    if (this.#walletTopic !== null) this.listenTo(this.#walletTopic);
    return () => {
      this.#watchers.delete(hint);
      if (this.#watchers.size === 0) for (const topic of [...this.#open.keys()]) this.#close(topic);
    };
  }

  /** One socket for everything that happens in the wallet. */
  listenTo(topic: string): void {
    this.#walletTopic = topic;
    if (this.#watchers.size === 0 || this.#open.has(topic)) return;
    this.#open.set(
      topic,
      listen(this.#baseUrl, topic, (hash) => this.#hint(hash), this.#sources),
    );
  }

  /** From now on a socket for each invoice that is `follow`ed. */
  followEach(): void {
    this.#followsEach = true;
  }

  follow(paymentHash: string, forSeconds: number): void {
    if (!this.#followsEach || this.#watchers.size === 0) return;
    const [oldest] = this.#open.keys();
    if (this.#open.size >= MAX_FOLLOWED && oldest !== undefined) this.#close(oldest);
    const stop = listen(this.#baseUrl, paymentHash, () => this.#hint(paymentHash), this.#sources);
    const cancel = this.#sources.clock.after(forSeconds * 1000, () => this.#close(paymentHash));
    this.#open.set(paymentHash, () => {
      cancel();
      stop();
    });
  }

  #close(topic: string): void {
    this.#open.get(topic)?.();
    this.#open.delete(topic);
  }

  #hint(paymentHash: string | null): void {
    for (const watcher of this.#watchers) watcher(paymentHash);
  }
}

/**
 * Listens to one of LNbits' websockets (`/api/v1/ws/{topic}`) and calls `hint` for each message, and after
 * each gap for whatever happened in it. Anybody may publish there, so a message is worth exactly
 * one look-up: at most its payment hash is read out of it. Reconnects for ever. Returns a function that stops it.
 */
function listen(baseUrl: string, topic: string, hint: Hint, sources: HintSources): () => void {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/api/v1/ws/${topic}`);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  let stopped = false;
  let failures = 0;
  let cancelRetry = (): void => {};
  let socket: WebSocket | null = null;

  const connect = (): void => {
    const current = new WebSocket(url, {
      followRedirects: false,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: 15_000,
    });
    socket = current;
    current.on('open', () => {
      if (failures > 0) hint(null);
      failures = 0;
    });
    current.on('message', (data: WebSocket.RawData) => hint(hashIn(data)));
    current.on('error', () => current.terminate());
    current.on('close', () => {
      if (stopped) return;
      failures += 1;
      sources.log.debug('wallet.hints_lost', { failures });
      cancelRetry = sources.clock.after(backoffMs(failures, FIRST_RETRY_MS, MAX_RETRY_MS, sources.rng), connect);
    });
  };
  connect();
  return () => {
    stopped = true;
    cancelRetry();
    socket?.terminate();
  };
}

function hashIn(data: WebSocket.RawData): string | null {
  try {
    const message = JSON.parse(Buffer.from(data as Buffer).toString()) as {
      payment?: { payment_hash?: unknown };
    } | null;
    const hash = message?.payment?.payment_hash;
    return typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : null;
  } catch {
    return null;
  }
}
