import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { withinMs } from '../builders/daemon.ts';

/** A relay of somebody else's, in a process of its own. */
export interface ForeignRelay {
  readonly url: string;
  /** Lets this key read and write, where the relay keeps a list. */
  admit(publicKey: string): Promise<void>;
  close(): Promise<void>;
}

/** rust-nostr's LocalRelay. With `auth` it wants NIP-42 for reading and for writing, of whoever it is. */
export async function startLocalRelay(python: string, auth: boolean): Promise<ForeignRelay> {
  const script = new URL('local_relay.py', import.meta.url).pathname;
  const child = spawn(python, [script, ...(auth ? ['--auth'] : [])], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said = once(createInterface({ input: child.stdout }), 'line');
  const [url] = (await withinMs(15_000, 'LocalRelay', Promise.race([said, ended]))) as [unknown];
  if (typeof url !== 'string') throw new Error('LocalRelay did not start');
  return {
    url,
    admit: async () => {},
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** nostr-relay 1.14. With `auth` it wants NIP-42, of admitted keys alone; it answers a good AUTH with silence. */
export async function startNostrRelay(python: string, auth: boolean): Promise<ForeignRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'timmy-nostr-relay-'));
  const config = join(folder, 'config.yaml');
  const port = await freePort();
  const url = `ws://127.0.0.1:${port}`;
  writeFileSync(
    config,
    `storage:
  sqlalchemy.url: "sqlite+aiosqlite:///${folder}/events.sqlite3"
  validators: [nostr_relay.validators.is_not_too_large, nostr_relay.validators.is_signed]
gunicorn: {bind: "127.0.0.1:${port}", workers: 1, loglevel: warning}
max_event_size: 131072
subscription_limit: 64
authentication: {enabled: ${auth}, relay_urls: ["${url}", "${url}/"], actions: {save: w, query: r}}
`,
  );
  const command = join(dirname(python), 'nostr-relay');
  // It keeps files in its home.
  const env = { ...process.env, HOME: folder };
  const child = spawn(command, ['-c', config, 'serve'], { env, stdio: 'ignore' });
  const ended = once(child, 'close');
  await withinMs(20_000, 'nostr-relay', untilListening(port));
  return {
    url,
    admit: async (publicKey) => {
      await promisify(execFile)(command, ['-c', config, 'role', 'set', '-p', publicKey, '-r', 'rw'], { env });
    },
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answer !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
