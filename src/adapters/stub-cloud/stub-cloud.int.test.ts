import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterEach, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { silentLog } from '../../lib/log.ts';
import { Secret } from '../../lib/secret.ts';
import type { DropletWish } from '../../ports/cloud.ts';
import { createStubCloud, type StubCloud } from './index.ts';

/** Says where it runs and what it was given, and stays. */
const AGENT = `
const { appendFileSync, readFileSync } = require('node:fs');
const root = process.env.TIMMY_NODE_ROOT;
appendFileSync(root + '/lives', JSON.stringify({ pid: process.pid, env: process.env,
  node: JSON.parse(readFileSync(root + '/etc/timmy/node.json', 'utf8')) }) + '\\n');
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1000);
`;
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUihIsLmz37ZTgBJU1CKQfRvRiTzPCc5dmhWoiwzvnW';
const USER_DATA = `#cloud-config
packages: ["docker.io"]
write_files: 
  - ${JSON.stringify({ path: '/etc/timmy/node.json', permissions: '0600', content: '{"v":1,"order":"B-4KQ7M"}' })}
  - ${JSON.stringify({ path: '/etc/timmy/services.json', permissions: '0600', content: '{}' })}
  - ${JSON.stringify({ path: '/opt/timmy/agent.cjs', encoding: 'gz+b64', content: gzipSync(AGENT).toString('base64') })}
runcmd: 
  - ["systemctl","daemon-reload"]
`;

const directory = mkdtempSync(join(tmpdir(), 'stub-cloud-'));
const opened: StubCloud[] = [];
const signal = AbortSignal.timeout(60_000);
afterEach(async () => {
  await Promise.all(opened.splice(0).map((cloud) => cloud.stop()));
  rmSync(directory, { recursive: true, force: true });
});

function open(clock = createHandClock()): { cloud: StubCloud; clock: ReturnType<typeof createHandClock> } {
  const cloud = createStubCloud({ directory, clock, log: silentLog, regions: ['nyc3'], sizes: [] });
  opened.push(cloud);
  return { cloud, clock };
}

async function order(cloud: StubCloud, change: Partial<DropletWish> = {}): Promise<string> {
  const key = (await cloud.createSshKey({ name: 'timmy-b4kq7m-1', publicKey: KEY }, signal)).id;
  const wish = {
    ...{ name: 'timmy-b4kq7m-1', region: 'nyc3', size: 's-4vcpu-8gb', image: 'debian-13-x64', sshKeyIds: [key] },
    ...{ volumeIds: [], tags: ['timmy-node'], userData: new Secret(USER_DATA), ...change },
  };
  return (await cloud.createDroplet(wish, signal)).id;
}

interface Life {
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly node: unknown;
}

/** Waits for so many lives of the agent. */
async function lives(id: string, count: number): Promise<Life[]> {
  for (;;) {
    const path = join(directory, 'nodes', id, 'lives');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    if (lines.length >= count) return lines.map((line) => JSON.parse(line) as Life);
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('runs the agent that it was given, with its node.json, under a root of its own, and with nothing of ours', async () => {
  process.env['CANARY_OF_OURS'] = 'secret';
  const { cloud, clock } = open();
  cloud.start();
  const id = await order(cloud);
  expect(await cloud.droplet(id, signal)).toMatchObject({ state: 'new', ipv4: null });
  clock.advance(2000);
  expect(await cloud.droplet(id, signal)).toMatchObject({ state: 'active', ipv4: '203.0.113.1' });
  const [life] = await lives(id, 1);
  expect(life?.node).toEqual({ v: 1, order: 'B-4KQ7M' });
  expect(Object.keys(life?.env ?? {}).sort()).toEqual(['HOME', 'PATH', 'TIMMY_NODE_FAST', 'TIMMY_NODE_ROOT']);
  expect(readdirSync(join(directory, 'nodes', id, 'etc/timmy'))).toEqual(['node.json']);
  delete process.env['CANARY_OF_OURS'];
});

it('is started again when it ends, and after a restart of ours; ends when its droplet does', async () => {
  const { cloud, clock } = open();
  cloud.start();
  const id = await order(cloud);
  clock.advance(2000);
  const [first] = await lives(id, 1);
  process.kill(first!.pid, 'SIGKILL');
  await clock.timerSet(1000);
  const again = setInterval(() => clock.advance(1000), 50);
  const [, second] = await lives(id, 2);
  clearInterval(again);
  await cloud.stop();
  await gone(second!.pid);

  const later = open(clock);
  later.cloud.start();
  const [, , third] = await lives(id, 3);
  await later.cloud.deleteDroplet(id, signal);
  await gone(third!.pid);
  expect(await later.cloud.droplet(id, signal)).toBeNull();
  expect(existsSync(join(directory, 'nodes', id))).toBe(false);
  expect(await later.cloud.findDroplets('timmy-b4kq7m-1', 'timmy-node', signal)).toEqual([]);
});

it('a droplet that somebody else deletes (the command line) ends its agent here', async () => {
  const { cloud, clock } = open();
  cloud.start();
  const id = await order(cloud);
  clock.advance(2000);
  const [life] = await lives(id, 1);
  await open(clock).cloud.deleteDroplet(id, signal);
  clock.advance(1000);
  await gone(life!.pid);
});

it('what a kill left half-written is no droplet, its disk is wiped, and no id comes twice', async () => {
  const { cloud } = open();
  const first = await order(cloud);
  writeFileSync(join(directory, 'droplets', `${first}.json`), '{"id":"10');
  expect(await cloud.listDroplets('timmy-node', signal)).toEqual([]);
  const again = open().cloud;
  again.start();
  expect(existsSync(join(directory, 'nodes', first))).toBe(false);
  const wish = { name: 'x', region: 'nyc3', size: 's', image: 'i', volumeIds: [], tags: [] };
  const key = (await again.findSshKey('ca:b9:64:61:f7:06:31:74:b5:33:f4:a5:97:ed:2d:d3', signal))?.id;
  expect(key).toBeUndefined();
  const other = await again.createSshKey({ name: 'b', publicKey: `${KEY.slice(0, -1)}X` }, signal);
  const userData = new Secret(USER_DATA);
  const second = await again.createDroplet({ ...wish, sshKeyIds: [other.id], userData }, signal);
  expect(Number(second.id)).toBeGreaterThan(Number(first));
});

it('ends with the daemon, even when that is killed', async () => {
  const parent = join(directory, 'parent.mjs');
  await build({
    stdin: {
      contents: `
        import { createStubCloud } from './cloud.ts';
        const clock = {
          now: () => Math.floor(Date.now() / 1000),
          monotonicMs: () => performance.now(),
          after: (ms, run) => { const timer = setTimeout(run, ms); return () => clearTimeout(timer); },
        };
        const log = { debug() {}, info() {}, warn() {}, error() {} };
        createStubCloud({ directory: process.argv[2], clock, log, regions: ['nyc3'], sizes: [] }).start();`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    ...{ bundle: true, platform: 'node', format: 'esm', outfile: parent, logLevel: 'error' },
  });
  const { cloud } = open(createHandClock(Math.floor(Date.now() / 1000) - 60));
  const id = await order(cloud);
  const daemon = spawn(process.execPath, [parent, directory], { stdio: 'inherit' });
  const [life] = await lives(id, 1);
  daemon.kill('SIGKILL');
  await gone(life!.pid);
});
