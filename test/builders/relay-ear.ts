import { once } from 'node:events';
import { WebSocket } from 'ws';
import { frameText } from '../../src/dev-relay/index.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';

export interface RelayEar {
  /** Everything that the relay has been given. */
  events(): readonly NostrEvent[];
  inject(...events: readonly NostrEvent[]): void;
  close(): void;
}

/** Hears every event of a real relay, and gives it more. */
export async function listenTo(url: string): Promise<RelayEar> {
  const socket = new WebSocket(url);
  const events: NostrEvent[] = [];
  socket.on('message', (data) => {
    const [verb, , event] = JSON.parse(frameText(data)) as [string, string, NostrEvent];
    if (verb === 'EVENT') events.push(event);
  });
  await once(socket, 'open');
  socket.send(JSON.stringify(['REQ', 'all', {}]));
  return {
    events: () => events,
    inject: (...more) => more.forEach((event) => socket.send(JSON.stringify(['EVENT', event]))),
    close: () => socket.terminate(),
  };
}
