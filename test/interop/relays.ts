import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { withinMs } from '../builders/daemon.ts';

export interface ForeignRelay {
  readonly url: string;
  close(): Promise<void>;
}

/** rust-nostr's LocalRelay in a process of its own; with `auth` it wants NIP-42 for reading and for writing. */
export async function startLocalRelay(python: string, auth: boolean): Promise<ForeignRelay> {
  const script = new URL('local_relay.py', import.meta.url).pathname;
  const child = spawn(python, [script, ...(auth ? ['--auth'] : [])], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const [url] = (await withinMs(
    15_000,
    'LocalRelay',
    Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended.then(() => [''])]),
  )) as [string];
  if (!url.startsWith('ws://')) throw new Error('LocalRelay did not start');
  return {
    url,
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
