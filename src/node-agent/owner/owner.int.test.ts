import { mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CLAIM,
  CREDENTIALS,
  nowSeconds,
  openNode,
  person,
  until,
  type TestNode,
} from '../../../test/builders/node-agent.ts';
import { startFakeNode, type FakeNode } from '../../../test/fakes/node-services.ts';
import { startFakeRelay, type FakeRelay } from '../../../test/fakes/relay.ts';

const POLL = { timeout: 15_000 };
let relay: FakeRelay;
let node: TestNode;
let fake: FakeNode;

beforeEach(async () => {
  relay = await startFakeRelay();
  node = openNode([relay]);
  mkdirSync(node.path('fake'));
  fake = await startFakeNode(node.path('fake'));
  node.write('etc/timmy/services.json', fake.services);
});
afterEach(async () => {
  await node.close();
  await fake.close();
  await relay.close();
});

const begin = (env: Readonly<Record<string, string>> = {}): void =>
  void node.start({ PATH: `${fake.bin}:${process.env['PATH'] ?? ''}`, ...env });
const request = (id: string | number, method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const restarts = (): number => fake.calls.filter((call) => call.includes('restart')).length;

describe('the owner', () => {
  it('is shown the node by word and by program, from what bitcoind, LND and LNbits say', async () => {
    fake.behave({ blocks: 812_345, headers: 920_111, progress: 0.6123, lnd: 'RPC_ACTIVE', lnbits: true });
    begin();
    const pubkey = await node.pubkey();
    await node.owner.say(pubkey, 'status');
    const status = await node.owner.hears(/^B-4KQ7M: all is well/);
    expect(status.content).toContain('Block 812345 of 920111, 61.23 % verified, 8 peers. Satoshi:31.0.0, pruned.');
    expect(status.content).toContain('LND: rpc active. LNbits: running.');
    await node.owner.say(pubkey, 'peers');
    expect((await node.owner.hears(/^8 peers/)).content).toContain('out 198.51.100.0:8333 Satoshi:30.0.0 50 ms');
    await node.owner.say(pubkey, request('s', 'node.status'));
    expect(JSON.parse((await node.owner.hears(/"id":"s"/)).content)).toMatchObject({
      result: {
        order: 'B-4KQ7M',
        height: 812_345,
        progress_ppm: 612_300,
        synced: false,
        lnd: 'RPC_ACTIVE',
        trouble: [],
      },
    });
    await node.owner.say(pubkey, request(9, 'node.destroy'));
    expect(JSON.parse((await node.owner.hears(/"id":9/)).content)).toMatchObject({ error: { code: -32601 } });
    await node.owner.say(pubkey, request(10, 'node.peers'));
    const peers = (await node.owner.hears(/"id":10/)).content;
    expect(Buffer.byteLength(peers)).toBeLessThanOrEqual(6_000);
  });

  it('is shown logs without secrets, and never more than fits', async () => {
    const lines = Array.from({ length: 400 }, (_, index) => `2026-12-01 line ${index} UpdateTip height=${index}`);
    node.write('var/lib/timmy/secrets/lnbits-auth', 'canary of the setup\n');
    fake.behave({
      logs: [...lines, 'says canary of the setup', 'rpcpassword=hunter22', `claim ${CLAIM}`, 'last line'].join('\n'),
    });
    begin();
    const pubkey = await node.pubkey();
    await node.owner.say(pubkey, 'logs bitcoin 200');
    const { content } = await node.owner.hears(/last line/);
    expect(Buffer.byteLength(content)).toBeLessThanOrEqual(6_000);
    expect(content).not.toMatch(/hunter22|claimclaim|canary/);
    expect(content).toContain('line 399');
    await node.owner.say(pubkey, 'logs setup 5');
    await until('a look into the journal', () => fake.calls.find(([program]) => program === 'journalctl'));
    expect(fake.calls.find(([program]) => program === 'docker')).toEqual([
      'docker',
      'compose',
      '-f',
      node.path('fake/compose.yml'),
      '--profile',
      'lightning',
      'logs',
      '--no-color',
      '--no-log-prefix',
      '--tail',
      '200',
      'bitcoin',
    ]);
  });

  it('has a restart done once, however often the message comes', async () => {
    begin();
    const pubkey = await node.pubkey();
    await node.owner.say(pubkey, 'restart lnd', { wraps: 5 });
    await node.owner.hears(/^Restarted: lnd/);
    await node.kill();
    begin();
    await node.owner.say(pubkey, 'help');
    await node.owner.hears(/Send me:/);
    expect(restarts()).toBe(1);
    expect((await node.owner.heard()).filter(({ content }) => content.startsWith('Restarted')).length).toBe(1);
  });

  it('is told that the end is unknown where a restart was cut off, and it is not repeated', async () => {
    for (const [index, point] of ['command.begun', 'command.done'].entries()) {
      begin({ TIMMY_CRASH_AT: point });
      const pubkey = await node.pubkey();
      await node.owner.say(pubkey, request(point, 'node.restart', { service: 'bitcoin' }));
      expect(await node.ended()).toMatchObject({ signal: 'SIGKILL' });
      begin();
      const answer = await node.owner.hears(new RegExp(`"id":"${point}"`));
      expect(JSON.parse(answer.content)).toMatchObject({ error: { code: -32603 } });
      await node.kill();
      expect(restarts()).toBe(index); // killed before docker was called, then after
    }
    // Answered, and killed before it was sent: the answer goes out, nothing is done again.
    begin({ TIMMY_CRASH_AT: 'command.answered' });
    await node.owner.say(await node.pubkey(), request('last', 'node.restart', {}));
    expect(await node.ended()).toMatchObject({ signal: 'SIGKILL' });
    begin();
    expect(JSON.parse((await node.owner.hears(/"id":"last"/)).content)).toMatchObject({ result: { restarted: 'all' } });
    expect(restarts()).toBe(2);
  });

  it('is not obeyed late or early, and a stranger not at all', async () => {
    begin();
    const pubkey = await node.pubkey();
    const stranger = person([relay]);
    await stranger.say(pubkey, 'restart');
    await node.owner.say(pubkey, 'restart', { createdAt: nowSeconds() - 3_600 });
    expect((await node.owner.hears(/60 minutes old/)).content).toContain('not done it');
    await node.owner.say(pubkey, 'restart', { createdAt: nowSeconds() + 3_600 });
    await node.owner.hears(/dated in the future/);
    await node.owner.say(pubkey, 'restart', { createdAt: nowSeconds() - 3 * 86_400 });
    await node.owner.say(pubkey, 'restart', { also: [stranger.pubkey] });
    await node.owner.say(pubkey, 'restart', { kind: 7 });
    await node.owner.say(pubkey, 'help');
    await node.owner.hears(/Send me:/);
    expect(fake.calls).toEqual([]);
    expect(await stranger.heard()).toEqual([]);
  });

  it('who is a program that answers everything does not talk with it for ever', async () => {
    begin();
    const pubkey = await node.pubkey();
    for (let count = 0; count < 8; count++) await node.owner.say(pubkey, `I did not understand that either (${count})`);
    await node.owner.say(pubkey, 'status');
    await node.owner.hears(/Rented until/);
    const confused = (await node.owner.heard()).filter(({ content }) => content.startsWith('I did not understand'));
    expect(confused.length).toBe(3);
  });

  it('is heard through a flood of strangers and forgeries', async () => {
    begin();
    const pubkey = await node.pubkey();
    const strangers = [person([relay]), person([relay]), person([relay])];
    for (let count = 0; count < 120; count++) await strangers[count % 3]!.say(pubkey, `buy ${count}`);
    relay.behave({ forgedCopies: true, duplicates: 2 });
    await node.owner.say(pubkey, 'help');
    await node.owner.hears(/Send me:/);
    for (const stranger of strangers) expect(await stranger.heard()).toEqual([]);
  }, 60_000);
});

describe('a new RPC password', () => {
  const passwordIn = (text: string): string => /password: (\S+)/.exec(text)?.[1] ?? '';
  const lineOfLnd = (): string => /^rpcauth=lnd:.*$/m.exec(readFileSync(fake.conf, 'utf8'))?.[0] ?? '';

  it('works from the moment that the owner has it, and the old one no longer', async () => {
    const others = lineOfLnd();
    begin();
    await node.owner.say(await node.pubkey(), 'rotate');
    const password = passwordIn((await node.owner.hears(/The new Bitcoin RPC password works/)).content);
    expect(await fake.letsIn('owner', password)).toBe(true);
    expect(await fake.letsIn('owner', 'first-password')).toBe(false);
    expect(lineOfLnd()).toBe(others);
    expect(node.state()['rotation']).toBeNull();
    for (const kept of [JSON.stringify(node.state()), readFileSync(fake.conf, 'utf8'), node.journal()])
      expect(kept).not.toContain(password);
  });

  it('that bitcoind does not take leaves the old one in force', async () => {
    fake.behave({ restart: 'docker-fails' });
    begin();
    const pubkey = await node.pubkey();
    await node.owner.say(pubkey, request('r', 'node.rotate'));
    expect(JSON.parse((await node.owner.hears(/"id":"r"/)).content)).toMatchObject({ error: { code: -32603 } });
    expect(readFileSync(fake.conf, 'utf8')).toMatch(/^rpcauth=owner:/m);
    await node.owner.say(pubkey, 'restart');
    await node.owner.hears(/still busy/);
    fake.behave({ restart: 'works' });
    await node.owner.hears(/The old Bitcoin RPC password is in force again/);
    expect(await fake.letsIn('owner', 'first-password')).toBe(true);
  });

  it.each(['command.begun', 'rotation.kept', 'rotation.set', 'command.done'])(
    'that is cut off at %s was never made',
    async (point) => {
      begin({ TIMMY_CRASH_AT: point });
      await node.owner.say(await node.pubkey(), 'rotate');
      expect(await node.ended()).toMatchObject({ signal: 'SIGKILL' });
      begin();
      await node.owner.hears(/in the middle of "rotate"/);
      await expect.poll(() => node.state()['rotation'], POLL).toBeNull();
      expect(await fake.letsIn('owner', 'first-password')).toBe(true);
      expect((await node.owner.heard()).some(({ content }) => content.startsWith('The new'))).toBe(false);
    },
  );

  it('whose answer was kept is in force, though it was cut off before it was sent', async () => {
    begin({ TIMMY_CRASH_AT: 'command.answered' });
    await node.owner.say(await node.pubkey(), 'rotate');
    expect(await node.ended()).toMatchObject({ signal: 'SIGKILL' });
    begin();
    const password = passwordIn((await node.owner.hears(/The new Bitcoin RPC password works/)).content);
    expect(await fake.letsIn('owner', password)).toBe(true);
  });
});

describe('what Timmy and the owner are told unasked', () => {
  it('progress, sync, trouble and its end: to the owner once, to Timmy at once', async () => {
    node.write('var/lib/timmy/credentials.json', CREDENTIALS);
    begin();
    const pubkey = await node.pubkey();
    await node.accept();
    const reports = async (): Promise<Record<string, unknown>[]> =>
      (await node.timmy.heard())
        .filter(({ content }) => content.includes('node.report'))
        .map(({ content }) => (JSON.parse(content) as { params: Record<string, unknown> }).params);
    await until('a first report', async () => (await reports()).length > 0);
    fake.behave({ progress: 0.52, blocks: 600_000 });
    await node.owner.hears(/50 % of the chain is verified: block 600000 of 900000/);
    fake.behave({ progress: 1, blocks: 900_000, initialBlockDownload: false });
    await node.owner.hears(/^Synced: block 900000/);
    await until('a report of it', async () => (await reports()).some(({ synced }) => synced === true));
    fake.behave({ bitcoind: 'down' });
    await node.owner.hears(/^Trouble: bitcoind does not answer/);
    const down = await until('a report of it', async () =>
      (await reports()).find(({ trouble }) => String(trouble) === 'bitcoind_down'),
    );
    expect(down).toMatchObject({ height: 900_000, synced: true, bitcoind: null, peers: null });
    await node.kill();
    begin(); // told once, also across lives
    fake.behave({ bitcoind: 'up' });
    await node.owner.hears(/^Over: /);
    fake.behave({ blocks: 970_000, headers: 970_000, checkpointHash: 'f'.repeat(64) });
    await node.owner.hears(/^Trouble: I am on the wrong chain/);
    const heard = (await node.owner.heard()).map(({ content }) => content);
    expect(heard.filter((text) => text.startsWith('Trouble')).length).toBe(2);
    expect(heard.filter((text) => text.startsWith('Synced')).length).toBe(1);
    const seqs = (await reports()).map(({ seq }) => Number(seq));
    expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
    expect((await reports()).every(({ order }) => order === 'B-4KQ7M')).toBe(true);
    await node.timmy.say(
      pubkey,
      JSON.stringify({
        jsonrpc: '2.0',
        id: `report-${seqs.at(-1)}`,
        result: { ok: true, term_ends_at: 1_900_000_000 },
      }),
    );
    await expect.poll(() => node.state()['termEndsAt'], POLL).toBe(1_900_000_000);
  }, 90_000);
});
