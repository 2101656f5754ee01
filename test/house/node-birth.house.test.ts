import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startDevRelay } from '../../src/dev-relay/index.ts';
import { renderUserData } from '../../src/node-image/index.ts';
import { agentBundle, nowSeconds, person, until } from '../builders/node-agent.ts';
import { NodeMachine } from '../builders/node-machine.ts';
import { nodeSpec } from '../builders/node-spec.ts';
import { listenTo } from '../builders/relay-ear.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const HOST_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl root@node\n';
const FINGERPRINT = 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU';

it('a machine with this user_data becomes a node that hands its owner what it alone has made', async () => {
  const relay = await startDevRelay({ port: 0 });
  closing.push(() => relay.close());
  const wire = await listenTo(relay.url);
  closing.push(() => wire.close());
  const [timmy, owner] = [person([wire]), person([wire])];

  // What Timmy knows and sends to the cloud.
  const agent = readFileSync(agentBundle(), 'utf8');
  const userData = renderUserData(
    nodeSpec(
      { agent },
      {
        timmy: timmy.pubkey,
        owner: owner.pubkey,
        timmy_relays: [relay.url],
        owner_relays: [relay.url],
        term_ends_at: nowSeconds() + 30 * 86_400,
      },
    ),
  );
  const bytes = Buffer.byteLength(userData);
  expect(bytes, `user_data: ${bytes} bytes of 65,536`).toBeLessThan(60_000);

  // What happens on the machine.
  const folder = mkdtempSync(join(tmpdir(), 'timmy-birth-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const machine = new NodeMachine(folder, userData);
  machine.put('/etc/ssh/ssh_host_ed25519_key.pub', HOST_KEY);
  expect(await machine.setup()).toBe(0);
  expect(machine.calls).toContain('systemctl enable --now --no-block timmy-agent.service');
  const child = spawn(process.execPath, [`${machine.root}/opt/timmy/agent.cjs`], {
    env: machine.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  closing.push(() => (child.kill('SIGKILL'), once(child, 'exit')));
  let journal = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (journal += data.toString()));

  // What Timmy hears, and answers.
  const announcement = await timmy.hears(/node\.announce/);
  const request = JSON.parse(announcement.content) as { id: string; params: Record<string, unknown> };
  expect(request.params).toMatchObject({ order: 'B-4KQ7M', claim: 'k'.repeat(43), host_keys: [FINGERPRINT] });
  const result = { accepted: true, report_every_s: 3_600 };
  await timmy.say(announcement.sender, JSON.stringify({ jsonrpc: '2.0', id: request.id, result }));

  // What the owner reads.
  const letter = await owner.hears(/Credentials of B-4KQ7M/);
  expect(letter.sender).toBe(announcement.sender);
  const secrets = ['rpc-owner', 'rpc-lnd', 'lnbits-first-install', 'lnbits-auth'].map((name) =>
    machine.text(`/var/lib/timmy/secrets/${name}`),
  );
  const [password, , token] = secrets;
  expect(letter.content).toContain(password);
  expect(letter.content).toContain(token);
  expect(letter.content).toContain(FINGERPRINT);
  expect(machine.letsIn('owner', password!)).toBe(true);
  await owner.hears(/What to do next/);
  await until('the end of the plain file', () => !machine.has('/var/lib/timmy/credentials.json'));

  // Nobody else had any of it, ever: not Timmy, not the relay, not the journal.
  const identity = JSON.parse(machine.text('/var/lib/timmy/identity.json')) as Record<string, unknown>;
  const canaries = [
    ...secrets,
    ...Object.values(identity)
      .filter((value) => value !== announcement.sender)
      .map(String),
  ];
  const heardByTimmy = (await timmy.heard()).map(({ content }) => content).join('\n');
  const onTheWire = wire
    .events()
    .map((event) => JSON.stringify(event))
    .join('\n');
  for (const canary of canaries.filter(({ length }) => length >= 32)) {
    expect(heardByTimmy).not.toContain(canary);
    expect(userData).not.toContain(canary);
    expect(onTheWire).not.toContain(canary);
    expect(journal).not.toContain(canary);
  }
  expect(journal).not.toContain('k'.repeat(43));

  // And on the machine only root can read it.
  const kept = readdirSync(`${machine.root}/var/lib/timmy`, { withFileTypes: true, recursive: true });
  const open = kept.filter((file) => file.isFile() && statSync(join(file.parentPath, file.name)).mode & 0o077);
  expect(open.map(({ name }) => name)).toEqual([]);
}, 120_000);
