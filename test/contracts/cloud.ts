import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OutsideError } from '../../src/lib/errors.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { Cloud, CloudSshKey, DropletWish } from '../../src/ports/cloud.ts';

/** One cloud under test, and the time around it. */
export interface OpenedCloud {
  readonly cloud: Cloud;
  /** Lets a minute pass there: what was asked for is made, found and gone. */
  pass(): void;
  close(): Promise<void>;
}

/** A well-formed ed25519 key of which nobody has the private half. */
export function publicKey(): string {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from('ssh-ed25519'),
    Buffer.from([0, 0, 0, 32]),
    randomBytes(32),
  ]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
}

export function fingerprintOf(key: string): string {
  const digest = createHash('md5').update(Buffer.from(key.split(' ')[1] ?? '', 'base64'));
  return (digest.digest('hex').match(/../g) ?? []).join(':');
}

/** What every cloud must do, whichever it is: the adapter on the fake, and the stub. */
export function cloudContract(name: string, open: () => Promise<OpenedCloud>): void {
  describe(`a cloud: ${name}`, () => {
    let opened: OpenedCloud;
    let cloud: Cloud;
    let key: CloudSshKey;
    let made = 0;
    const signal = AbortSignal.timeout(60_000);
    const wish = (change: Partial<DropletWish> = {}): DropletWish => ({
      ...{ name: `timmy-order${(made += 1)}-1`, region: 'nyc3', size: 's-4vcpu-8gb', image: 'debian-13-x64' },
      ...{ sshKeyIds: [key.id], volumeIds: [], tags: ['timmy', 'timmy-node', `timmy-order-${made}`] },
      ...{ userData: new Secret('#cloud-config\n'), ...change },
    });
    const refusal = async (promise: Promise<unknown>): Promise<string> => {
      const error = await promise.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      return error instanceof OutsideError ? `${error.fault} ${error.message}` : `no refusal: ${String(error)}`;
    };

    beforeAll(async () => {
      opened = await open();
      cloud = opened.cloud;
      key = await cloud.createSshKey({ name: 'timmy-contract', publicKey: publicKey() }, signal);
    });
    afterAll(() => opened.close());

    test('says what may be had: room, sizes with their prices, the image, the firewall', async () => {
      expect(await cloud.account(signal)).toMatchObject({ isGood: true, dropletLimit: 10 });
      const size = (await cloud.sizes(signal)).find(({ slug }) => slug === 's-4vcpu-8gb');
      expect(size).toMatchObject({ vcpus: 4, memoryMb: 8192, diskGb: 160, monthlyUsd: '48', hourlyUsd: '0.07143' });
      expect(size?.regions).toContain('nyc3');
      expect(await cloud.hasImage('debian-13-x64', signal)).toBe(true);
      await cloud.ensureFirewall(signal);
      await cloud.ensureFirewall(signal);
    });

    test('an SSH key is made once, found by its fingerprint, and deleted as often as one likes', async () => {
      const text = publicKey();
      expect(await cloud.findSshKey(fingerprintOf(text), signal)).toBeNull();
      const mine = await cloud.createSshKey({ name: 'timmy-b4kq7m-1', publicKey: text }, signal);
      expect(mine).toMatchObject({ name: 'timmy-b4kq7m-1', fingerprint: fingerprintOf(text) });
      expect(await refusal(cloud.createSshKey({ name: 'other', publicKey: text }, signal))).toBe('rejected key_in_use');
      expect(await cloud.findSshKey(fingerprintOf(text), signal)).toEqual(mine);
      await cloud.deleteSshKey(mine.id, signal);
      await cloud.deleteSshKey(mine.id, signal);
      expect(await cloud.findSshKey(fingerprintOf(text), signal)).toBeNull();
    });

    test('a droplet comes up, is found by name and by tag, and is gone when it is no longer found', async () => {
      const order = wish();
      const { id } = await cloud.createDroplet(order, signal);
      expect(await cloud.droplet(id, signal)).toMatchObject({ id, name: order.name, state: 'new', ipv4: null });
      opened.pass();
      const droplet = await cloud.droplet(id, signal);
      expect(droplet).toMatchObject({ state: 'active', region: 'nyc3', size: 's-4vcpu-8gb', tags: order.tags });
      expect(droplet?.ipv4).toMatch(/^(198\.51\.100|203\.0\.113)\.\d+$/);
      expect(await cloud.findDroplets(order.name, order.tags[2]!, signal)).toEqual([droplet]);
      expect(await cloud.findDroplets('timmy-other-1', order.tags[2]!, signal)).toEqual([droplet]);
      expect(await cloud.findDroplets(order.name, 'timmy-order-none', signal)).toEqual([droplet]);
      expect(await cloud.listDroplets('timmy-node', signal)).toContainEqual(droplet);
      expect(await cloud.findDroplets('timmy-other-1', 'timmy-order-none', signal)).toEqual([]);
      await cloud.deleteDroplet(id, signal);
      opened.pass();
      expect(await cloud.droplet(id, signal)).toBeNull();
      expect(await cloud.findDroplets(order.name, order.tags[2]!, signal)).toEqual([]);
      await cloud.deleteDroplet(id, signal);
    });

    test('asked twice, it makes two: nothing there knows that they are one', async () => {
      const order = wish();
      const ids = [await cloud.createDroplet(order, signal), await cloud.createDroplet(order, signal)].map(
        ({ id }) => id,
      );
      opened.pass();
      const found = await cloud.findDroplets(order.name, order.tags[2]!, signal);
      expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
      for (const id of ids) await cloud.deleteDroplet(id, signal);
      opened.pass();
    });

    test('a volume belongs to its droplet until that is gone', async () => {
      const of = { name: 'timmy-b4kq7m-1', region: 'nyc3', sizeGb: 100, tags: ['timmy'] };
      const volume = await cloud.createVolume(of, signal);
      expect(volume).toMatchObject({ name: of.name, region: 'nyc3', sizeGb: 100, dropletIds: [] });
      expect(await refusal(cloud.createVolume(of, signal))).toMatch(/^unknown /);
      expect(await cloud.findVolume(of.name, 'nyc3', signal)).toEqual(volume);
      expect(await cloud.findVolume(of.name, 'fra1', signal)).toBeNull();
      const { id } = await cloud.createDroplet(wish({ volumeIds: [volume.id] }), signal);
      opened.pass();
      expect(await cloud.listVolumes('timmy-', signal)).toEqual([{ ...volume, dropletIds: [id] }]);
      expect(await cloud.listVolumes('other-', signal)).toEqual([]);
      expect(await refusal(cloud.deleteVolume(volume.id, signal))).toBe('unavailable attached');
      await cloud.deleteDroplet(id, signal);
      opened.pass();
      await cloud.deleteVolume(volume.id, signal);
      await cloud.deleteVolume(volume.id, signal);
      expect(await cloud.listVolumes('timmy-', signal)).toEqual([]);
    });

    test.each([
      ['a region that there is not', { region: 'mars1' }, 'rejected region_or_size'],
      ['a key that there is not', { sshKeyIds: ['77'] }, 'rejected key_invalid'],
    ])('says no to %s', async (_what, change, no) => {
      expect(await refusal(cloud.createDroplet(wish(change), signal))).toBe(no);
    });

    test('says no to one droplet too many', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 10; i++) ids.push((await cloud.createDroplet(wish(), signal)).id);
      expect(await refusal(cloud.createDroplet(wish(), signal))).toBe('rejected droplet_limit');
      opened.pass();
      for (const id of ids) await cloud.deleteDroplet(id, signal);
      opened.pass();
      expect(await cloud.listDroplets('timmy-node', signal)).toEqual([]);
    });
  });
}
