import type { Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

/** LNbits' websockets: any id, no key, no replay, and anybody may publish. */
export class Push {
  /** Payments settle and nothing is ever said. */
  silent = false;
  /** Everything is said twice. */
  doubled = false;
  readonly #topics = new Map<string, Set<WebSocket>>();
  readonly #server = new WebSocketServer({ noServer: true });
  #waiting: { topic: string; wake: () => void }[] = [];
  #unheard = 0;

  /** Something was said that has not been heard yet. */
  get isSpeaking(): boolean {
    return this.#unheard > 0;
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      const topic = /^\/api\/v1\/ws\/([^/?]+)$/.exec(request.url ?? '')?.[1];
      if (topic === undefined) return void socket.destroy();
      this.#server.handleUpgrade(request, socket, head, (client) => this.#subscribe(topic, client));
    });
  }

  /** Sends text to all who listen to `topic`, whoever asks. */
  publish(topic: string, text: string): void {
    for (const client of this.#topics.get(topic) ?? []) {
      client.send(text);
      this.#awaitEcho(client);
    }
  }

  /** What LNbits itself says; silenced and doubled on demand. */
  announce(topic: string, message: unknown, times = 1): void {
    if (this.silent) return;
    for (let i = 0; i < times * (this.doubled ? 2 : 1); i++) this.publish(topic, JSON.stringify(message));
  }

  /** Resolves when somebody listens to `topic`. */
  listened(topic: string): Promise<void> {
    if ((this.#topics.get(topic)?.size ?? 0) > 0) return Promise.resolve();
    return new Promise((wake) => this.#waiting.push({ topic, wake }));
  }

  /** Cuts every socket off, as a restart does. */
  drop(): void {
    for (const clients of this.#topics.values()) for (const client of clients) client.terminate();
    this.#topics.clear();
  }

  /** A pong comes after what was sent before its ping has been read. */
  #awaitEcho(client: WebSocket): void {
    this.#unheard += 1;
    const heard = (): void => {
      client.off('pong', heard);
      client.off('close', heard);
      this.#unheard -= 1;
    };
    client.on('pong', heard);
    client.on('close', heard);
    client.ping();
  }

  #subscribe(topic: string, client: WebSocket): void {
    const clients = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, clients.add(client));
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.terminate());
    const woken = this.#waiting.filter((waiter) => waiter.topic === topic);
    this.#waiting = this.#waiting.filter((waiter) => waiter.topic !== topic);
    for (const { wake } of woken) wake();
  }
}
