import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderUserData } from '../../../src/node-image/index.ts';
import { agentBundle, person, type Person } from '../../builders/node-agent.ts';
import { nodeSpec } from '../../builders/node-spec.ts';
import { machineClock } from '../../contracts/wallet.ts';
import { FakeDigitalOcean, type FakeDroplet } from '../digital-ocean/index.ts';
import { startFakeRelay, type FakeRelay } from '../relay.ts';
import { createNodeFarm, readUserData, type NodeFarm, type NodeScript } from './index.ts';

let relay: FakeRelay;
let cloud: FakeDigitalOcean;
let farm: NodeFarm;
let timmy: Person;
let owner: Person;
beforeEach(async () => {
  relay = await startFakeRelay();
  cloud = new FakeDigitalOcean();
  timmy = person([relay]);
  owner = person([relay]);
  farm = createNodeFarm(cloud, {
    clock: machineClock,
    publish: (_relays, event) => Promise.resolve(relay.inject(event)),
  });
});
afterEach(async () => {
  await farm.stop();
  await relay.close();
});

/** A droplet with this image comes up. */
async function boot(script: NodeScript, agent?: string): Promise<FakeDroplet> {
  const spec = nodeSpec(agent === undefined ? {} : { agent }, {
    ...{ timmy: timmy.pubkey, timmy_relays: [relay.url], owner: owner.pubkey, owner_relays: [relay.url] },
    stub: agent !== undefined,
  });
  farm.scripts.push(script);
  const order = { name: 'timmy-b4kq7m-1', region: 'nyc3', size: 's-4vcpu-8gb', image: 'debian-13-x64' };
  const droplet = cloud.books.addDroplet({
    ...{ ...order, sshKeys: [], volumes: [], tags: [], userData: renderUserData(spec) },
  });
  cloud.advance(60);
  await farm.settled();
  return droplet;
}

const claims = async (): Promise<unknown[]> =>
  (await timmy.heard()).map(({ sender, content }) => {
    const { method, params } = JSON.parse(content) as { method: string; params: Record<string, unknown> };
    const isFirst = sender === farm.nodes[0]?.node.pubkey;
    return [isFirst ? 'node' : 'stranger', method, params['order'], params['attempt'], params['claim']];
  });
const K = 'k'.repeat(43);

describe('a droplet that came up', () => {
  it.each<[NodeScript, unknown[]]>([
    ['good', [['node', 'node.announce', 'B-4KQ7M', 1, K]]],
    ['never', []],
    ['late', []],
    ['wrong claim', [['node', 'node.announce', 'B-4KQ7M', 1, 'A'.repeat(43)]]],
    ['wrong order', [['node', 'node.announce', 'B-00000', 1, K]]],
    ['wrong attempt', [['node', 'node.announce', 'B-4KQ7M', 2, K]]],
  ])('%s: Timmy hears %j', async (script, said) => {
    await boot(script);
    expect(await claims()).toEqual(said);
    await farm.late();
    if (script === 'late') expect(await claims()).toHaveLength(1);
    expect((await owner.heard()).map(({ content }) => content.split(':')[0]).sort()).toEqual([
      'Credentials of B-4KQ7M',
      'I am your Bitcoin node of order B-4KQ7M.',
    ]);
  });

  it('twice says it in two messages; robbed, a stranger says it too', async () => {
    await boot('twice');
    expect(await claims()).toEqual(Array(2).fill(['node', 'node.announce', 'B-4KQ7M', 1, K]));
    await boot('robbed');
    expect((await claims()).filter((claim) => (claim as string[])[0] === 'stranger')).toHaveLength(2);
  });

  it('real: the agent that its user_data brings makes a key, announces itself with its claim, and writes to its owner', async () => {
    await boot('real', readFileSync(agentBundle(), 'utf8'));
    const announced = await timmy.hears(/node\.announce/);
    expect(JSON.parse(announced.content)).toMatchObject({ params: { order: 'B-4KQ7M', attempt: 1, claim: K } });
    const first = await owner.hears(/B-4KQ7M/);
    expect(first.sender).toBe(announced.sender);
    expect(first.content).toMatch(/^STUB: no server exists\./);
    expect(farm.real[0]!.said()).not.toContain(K);
  });
});

describe('user_data is read as strictly as cloud-init should', () => {
  const good = renderUserData(nodeSpec());
  it.each([
    ['no first line', good.replace('#cloud-config\n', '')],
    ['a key that nobody knows', `${good}write_fils: []\n`],
    ['a key twice', `${good}hostname: "again"\n`],
    ['an encoding that nobody knows', good.replace('"encoding":"gz+b64"', '"encoding":"zip"')],
    ['a file that everybody may write', good.replace('"permissions":"0600"', '"permissions":"rw"')],
  ])('%s', (_what, text) => {
    expect(() => readUserData(text)).toThrow();
    expect(readUserData(good).files.has('/opt/timmy/agent.cjs')).toBe(true);
  });
});
