import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { agentBundle, person, until } from '../../../test/builders/node-agent.ts';
import { nodeSpec } from '../../../test/builders/node-spec.ts';
import { machineClock } from '../../../test/contracts/wallet.ts';
import { startFakeRelay } from '../../../test/fakes/relay.ts';
import { silentLog } from '../../lib/log.ts';
import { Secret } from '../../lib/secret.ts';
import { renderUserData } from '../../node-image/index.ts';
import { createStubCloud } from './index.ts';

it('a stub’s node writes to its owner from a key of its own, the same after a restart, and says that no server exists', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stub-cloud-'));
  const relay = await startFakeRelay();
  const [timmy, owner] = [person([relay]), person([relay])];
  const signal = AbortSignal.timeout(60_000);
  const open = () => createStubCloud({ directory, clock: machineClock, log: silentLog, regions: ['nyc3'], sizes: [] });
  const userData = renderUserData(
    nodeSpec(
      { agent: readFileSync(agentBundle(), 'utf8') },
      {
        ...{ timmy: timmy.pubkey, timmy_relays: [relay.url], owner: owner.pubkey, owner_relays: [relay.url] },
        stub: true,
      },
    ),
  );
  let cloud = open();
  try {
    cloud.start();
    const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUihIsLmz37ZTgBJU1CKQfRvRiTzPCc5dmhWoiwzvnW';
    const key = await cloud.createSshKey({ name: 'timmy-b4kq7m-1', publicKey }, signal);
    const { id } = await cloud.createDroplet(
      {
        ...{ name: 'timmy-b4kq7m-1', region: 'nyc3', size: 's-4vcpu-8gb', image: 'debian-13-x64', volumeIds: [] },
        ...{ sshKeyIds: [key.id], tags: ['timmy-node'], userData: new Secret(userData) },
      },
      signal,
    );
    const announced = await timmy.hears(/node\.announce/);
    const hello = await owner.hears(/^STUB: no server exists\./);
    expect(hello.sender).toBe(announced.sender);
    await cloud.stop();

    const heard = (await timmy.heard()).length;
    cloud = open();
    cloud.start();
    // Not answered, it goes on announcing itself: the same message, and so the same key.
    const events = relay.events().length;
    await until('it speaks again', () => relay.events().length > events);
    expect((await timmy.heard()).filter(({ sender }) => sender !== announced.sender)).toEqual([]);
    expect((await timmy.heard()).length).toBeGreaterThanOrEqual(heard);
    await cloud.deleteDroplet(id, signal);
    expect(await cloud.droplet(id, signal)).toBeNull();
  } finally {
    await cloud.stop();
    await relay.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
