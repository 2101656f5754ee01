import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unixSeconds } from '../../src/lib/units.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import { openDm } from '../../src/nostr/open.ts';
import { isDropped, type OpenedDm } from '../../src/nostr/opened-dm.ts';
import { createRumor, sealDm } from '../../src/nostr/seal.ts';
import type { Signer } from '../../src/nostr/signer.ts';
import type { FakeRelay } from '../fakes/relay.ts';
import { rng } from './guest.ts';

/** The one-use claim in every test's node.json. */
export const CLAIM = 'claim'.repeat(8) + 'cla';

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

let bundle: string | null = null;

/** The agent as it travels to nodes, built once for each test file. */
export function agentBundle(): string {
  if (bundle === null) {
    bundle = join(mkdtempSync(join(tmpdir(), 'timmy-agent-')), 'agent.cjs');
    execFileSync(process.execPath, ['scripts/build-agent.mjs', bundle], { stdio: 'ignore' });
  }
  return bundle;
}

/** Resolves with what `look` finds, within half a minute: against what hangs, not a measure of time. */
export async function until<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  const end = Date.now() + 25_000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`never seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface Person {
  readonly pubkey: string;
  readonly signer: Signer;
  /** What was sent to this key, each message once whatever its wraps, in the order of arrival. */
  heard(): Promise<readonly OpenedDm[]>;
  hears(match: RegExp): Promise<OpenedDm>;
  /** Sends one DM; resolves with the id of the message. */
  say(
    to: string,
    content: string,
    more?: { createdAt?: number; wraps?: number; kind?: number; also?: readonly string[] },
  ): Promise<string>;
}

/** Somebody with a key who reads and writes at these relays. */
export function person(relays: readonly Pick<FakeRelay, 'events' | 'inject'>[]): Person {
  const signer = createLocalSigner(generateSecretKey(rng), rng);
  const opened = new Map<string, OpenedDm | null>();
  async function heard(): Promise<readonly OpenedDm[]> {
    const messages = new Map<string, OpenedDm>();
    for (const event of relays.flatMap((relay) => relay.events())) {
      if (event.kind !== 1059 || !event.tags.some(([, key]) => key === signer.publicKey)) continue;
      let dm = opened.get(event.id);
      if (dm === undefined) {
        const result = await openDm(event, signer, unixSeconds(nowSeconds()));
        opened.set(event.id, (dm = isDropped(result) ? null : result));
      }
      if (dm !== null && !messages.has(dm.rumorId)) messages.set(dm.rumorId, dm);
    }
    return [...messages.values()].sort((one, other) => one.createdAt - other.createdAt);
  }
  return {
    pubkey: signer.publicKey,
    signer,
    heard,
    hears: (match) => until(String(match), async () => (await heard()).find(({ content }) => match.test(content))),
    async say(to, content, { createdAt = nowSeconds(), wraps = 1, kind = 14, also = [] } = {}) {
      const rumor = createRumor({
        pubkey: signer.publicKey,
        kind,
        content,
        createdAt: unixSeconds(createdAt),
        recipients: [to, ...also],
      });
      for (let copy = 0; copy < wraps; copy++) {
        const wrap = await sealDm(rumor, to, signer, rng, unixSeconds(nowSeconds()));
        for (const relay of relays) relay.inject(wrap);
      }
      return rumor.id;
    },
  };
}

export interface TestNode {
  readonly root: string;
  readonly timmy: Person;
  readonly owner: Person;
  /** The key that announced itself, as soon as it has. */
  pubkey(): Promise<string>;
  start(env?: Readonly<Record<string, string>>): ChildProcess;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Resolves when the running agent has ended by itself. */
  ended(): Promise<{ code: number | null; signal: string | null }>;
  /** Everything it wrote into its journal. */
  journal(): string;
  path(name: string): string;
  /** What it has kept, as it stands on the disk. */
  state(): Record<string, unknown>;
  write(name: string, value: unknown): void;
  /** Timmy answers the announcement. */
  accept(reportEverySeconds?: number): Promise<void>;
  close(): Promise<void>;
}

/** A node's directory, with a Timmy and an owner who are scripted by the test. */
export function openNode(relays: readonly FakeRelay[], more: Readonly<Record<string, unknown>> = {}): TestNode {
  const root = mkdtempSync(join(tmpdir(), 'timmy-node-'));
  const timmy = person(relays);
  const owner = person(relays);
  const path = (name: string): string => join(root, name);
  let child: ChildProcess | null = null;
  let journal = '';
  const write = (name: string, value: unknown): void => {
    mkdirSync(join(path(name), '..'), { recursive: true });
    writeFileSync(path(name), typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
  };
  write('etc/timmy/node.json', {
    v: 1,
    order: 'B-4KQ7M',
    attempt: 1,
    claim: CLAIM,
    timmy: timmy.pubkey,
    timmy_relays: relays.map(({ url }) => url),
    owner: owner.pubkey,
    owner_relays: relays.map(({ url }) => url),
    voice: 'words',
    impl: 'core',
    prune_mib: 95_000,
    region: 'nyc3',
    size: 's-4vcpu-8gb',
    tailscale: false,
    term_ends_at: nowSeconds() + 30 * 86_400,
    stub: false,
    ...more,
  });
  const ended = (): Promise<{ code: number | null; signal: string | null }> =>
    new Promise((resolve) => {
      if (child?.exitCode !== null || child.signalCode !== null)
        return resolve({ code: child?.exitCode ?? null, signal: child?.signalCode ?? null });
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  const announced = async (): Promise<OpenedDm | undefined> =>
    (await timmy.heard()).find(({ content }) => content.includes('node.announce'));
  const node: TestNode = {
    root,
    timmy,
    owner,
    path,
    state: () =>
      existsSync(path('var/lib/timmy/state.json'))
        ? (JSON.parse(readFileSync(path('var/lib/timmy/state.json'), 'utf8')) as Record<string, unknown>)
        : {},
    write,
    ended,
    pubkey: async () => (await until('an announcement', announced)).sender,
    start(env = {}) {
      child = spawn(process.execPath, [agentBundle()], {
        env: { PATH: process.env['PATH'], TIMMY_NODE_ROOT: root, TIMMY_NODE_FAST: '1', ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr?.on('data', (chunk: Buffer) => (journal += chunk.toString('utf8')));
      return child;
    },
    async kill() {
      child?.kill('SIGKILL');
      await ended();
    },
    journal: () => journal,
    async accept(reportEverySeconds = 3_600) {
      const node = await until('an announcement', announced);
      const result = { accepted: true, report_every_s: reportEverySeconds };
      await timmy.say(node.sender, JSON.stringify({ jsonrpc: '2.0', id: 'announce', result }));
    },
    async close() {
      await node.kill();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return node;
}

/** What the setup leaves for the owner. */
export const CREDENTIALS = {
  v: 1,
  bitcoin_rpc: { url: 'http://127.0.0.1:8332', user: 'owner', password: 'canary-rpc-password-0123456789' },
  lnbits: { url: 'http://127.0.0.1:5000', first_install_token: 'canary-token-0123456789' },
  lnd: { rest_url: 'https://127.0.0.1:8080', note: 'lnd-init makes the wallet' },
  ssh: { user: 'root', host_keys: [] },
  tailscale: null,
  next_steps: ['Log in.', 'Watch the sync.'],
};
