import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';

/**
 * Counts the requests of this process to the fake that are on their way there or back. One that the fake has read and
 * not answered is not: it waits there for time to pass.
 */
export function watchInFlight(fake: FakeLnbits): { isBusy: () => boolean; stop: () => void } {
  const requests = new Set<ClientRequest>();
  const started = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader('host') !== new URL(fake.url).host) return;
    requests.add(request);
    for (const end of ['close', 'upgrade']) request.once(end, () => requests.delete(request));
  };
  subscribe('http.client.request.start', started);
  return {
    isBusy: () =>
      fake.push.isSpeaking || [...requests].some(({ socket }) => !fake.unanswered.has(socket?.localPort ?? 0)),
    stop: () => void unsubscribe('http.client.request.start', started),
  };
}
