import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHandClock, type HandClock } from '../../../test/fakes/hand-clock.ts';
import {
  calls,
  startFakeDigitalOcean,
  type Fault,
  type FakeDigitalOcean,
  type FakeDigitalOceanOptions,
} from '../../../test/fakes/digital-ocean/index.ts';
import { OutsideError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { Cloud, DropletWish } from '../../ports/cloud.ts';
import { createDigitalOcean } from './index.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUihIsLmz37ZTgBJU1CKQfRvRiTzPCc5dmhWoiwzvnW';
const CLAIM = 'claim-canary-claim-canary-claim-canary-0123';
const signal = AbortSignal.timeout(60_000);

let fake: FakeDigitalOcean;
let clock: HandClock;
let cloud: Cloud;
beforeEach(() => open());
afterEach(async () => {
  await fake.stop();
  fake.assertInvariants();
});

async function open(options: FakeDigitalOceanOptions = {}, token?: string): Promise<void> {
  await fake?.stop();
  clock = createHandClock();
  fake = await startFakeDigitalOcean({ now: () => clock.monotonicMs() / 1000, after: clock.after, ...options });
  cloud = createDigitalOcean({ url: fake.url, token: new Secret(token ?? fake.token), clock, callsPerSecond: 1000 });
}

async function wish(change: Partial<DropletWish> = {}): Promise<DropletWish> {
  const fingerprint = 'e0:1f:ca:66:d1:64:2a:5f:4e:ea:bc:bb:1a:bc:5f:f5';
  const key = fake.books.keys[0] ?? fake.books.addKey('k', KEY, fingerprint);
  return {
    ...{ name: 'timmy-b4kq7m-1', region: 'nyc3', size: 's-4vcpu-8gb', image: 'debian-13-x64', volumeIds: [] },
    ...{ sshKeyIds: [String(key.id)], tags: ['timmy-node'], userData: new Secret(CLAIM), ...change },
  };
}

/** How a promise failed, as "fault message"; what it was thrown with holds neither token nor user_data. */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    const all = `${inspect(error, { depth: 10 })} ${String(error)} ${JSON.stringify(error)}`;
    expect(all).not.toContain(fake.token);
    expect(all).not.toContain(CLAIM);
    if (!(error instanceof OutsideError)) throw error;
    return `${error.fault} ${error.message}`;
  }
}

const instead = (status: number, body: object | string, headers = {}): Fault => ({
  kind: 'instead',
  ...{ status, body: typeof body === 'string' ? body : JSON.stringify(body), headers },
});
const words = (status: number, id: string, message: string): Fault => instead(status, { id, message });

describe('what a lost or strange answer means', () => {
  it.each<[Fault, string, string, number]>([
    // fault, of a creating POST, of a read, droplets made
    [{ kind: 'reset_before' }, 'unknown cloud.no_answer', 'unavailable cloud.no_answer', 0],
    [{ kind: 'reset_after' }, 'unknown cloud.no_answer', 'unavailable cloud.no_answer', 1],
    [{ kind: 'garble', as: 'html_502' }, 'unknown cloud.http_502', 'unavailable cloud.http_502', 1],
    [{ kind: 'garble', as: 'html_200' }, 'unknown cloud.nonsense', 'unavailable cloud.nonsense', 1],
    [{ kind: 'garble', as: 'truncated' }, 'unknown cloud.nonsense', 'unavailable cloud.nonsense', 1],
    [{ kind: 'garble', as: 'wrong_shape' }, 'unknown cloud.nonsense', 'unavailable cloud.nonsense', 1],
    [words(500, 'server_error', 'Server Error'), 'unknown cloud.http_500', 'unavailable cloud.http_500', 0],
    [words(503, 'service_unavailable', 'x'), 'unknown cloud.http_503', 'unavailable cloud.http_503', 0],
    [
      instead(302, '', { location: 'http://127.0.0.1:1' }),
      'unavailable cloud.redirected',
      'unavailable cloud.redirected',
      0,
    ],
    [words(429, 'too_many_requests', 'x'), 'unavailable cloud.rate_limited', 'unavailable cloud.rate_limited', 0],
    // A proxy's word is no final no.
    [instead(401, '<html>'), 'unknown cloud.http_401', 'unavailable cloud.http_401', 0],
    [instead(404, '<html>'), 'unknown cloud.http_404', 'unavailable cloud.http_404', 0],
    [words(401, 'unauthorized', 'Unable to authenticate you'), 'rejected unauthorized', 'rejected unauthorized', 0],
    [words(403, 'forbidden', 'no permission'), 'rejected forbidden', 'rejected forbidden', 0],
    [words(403, 'forbidden', 'Your account is locked.'), 'rejected account_locked', 'rejected account_locked', 0],
    [words(402, 'payment_required', 'Pay.'), 'rejected payment_required', 'rejected payment_required', 0],
  ])('%j: making is "%s", reading "%s"', async (fault, made, read, count) => {
    fake.faults.add({ ...calls.createDroplet, fault });
    expect(await failure(cloud.createDroplet(await wish(), signal))).toBe(made);
    expect(fake.books.droplets).toHaveLength(count);
    await open();
    fake.faults.add({ ...calls.droplets, fault });
    expect(await failure(cloud.listDroplets('timmy-node', signal))).toBe(read);
    // "It is not there" is Digital Ocean's own word alone.
    await open();
    fake.faults.add({ ...calls.droplet, fault });
    expect(await failure(cloud.droplet('77', signal))).toMatch(new RegExp(`^${read.split(' ')[0]} `));
  });

  it('nobody there: nothing happened', async () => {
    await fake.stop();
    expect(await failure(cloud.createDroplet(await wish(), signal))).toBe('unavailable cloud.unreachable');
  });

  it('an answer that does not come in time is unknown, and looked up it is there', async () => {
    fake.faults.add({ ...calls.createDroplet, fault: { kind: 'silence', runAfterMs: 0 } });
    const asked = failure(cloud.createDroplet(await wish(), signal));
    await clock.timerSet(0);
    clock.advance(30_000);
    expect(await asked).toBe('unknown cloud.no_answer');
    clock.advance(3_000);
    const [found] = await cloud.findDroplets('timmy-b4kq7m-1', 'timmy-node', signal);
    expect(found?.id).toBe(String(fake.books.droplets[0]?.id));
  });
});

describe('noes', () => {
  it.each<[string, Partial<DropletWish>]>([
    ['rejected region_or_size', { size: 's-99' }],
    ['rejected region_or_size', { region: 'xyz1' }],
    ['rejected image', { image: 'none-1' }],
    ['rejected key_invalid', { sshKeyIds: ['5'] }],
  ])('%s', async (no, change) => {
    expect(await failure(cloud.createDroplet(await wish(change), signal))).toBe(no);
  });

  it.each([
    ['rejected key_invalid', 'ssh-unknown AAAA'],
    ['rejected key_invalid', 'ssh-rsa'],
  ])('%s: "%s"', async (no, publicKey) => {
    expect(await failure(cloud.createSshKey({ name: 'x', publicKey }, signal))).toBe(no);
  });

  it('a wrong token and a scope that is missing', async () => {
    await open({}, 'dop_v1_wrong');
    expect(await failure(cloud.account(signal))).toBe('rejected unauthorized');
    await open({ scopes: ['account:read'] });
    expect(await cloud.account(signal)).toMatchObject({ isGood: true });
    expect(await failure(cloud.sizes(signal))).toBe('rejected forbidden');
  });

  it('an account that is warned or locked is not good', async () => {
    fake.books.account.status = 'warning';
    expect(await cloud.account(signal)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      isGood: false,
      dropletLimit: 10,
    });
  });

  it('never without a key, never with too much, and no id that could name more than one thing', async () => {
    await expect(cloud.createDroplet(await wish({ sshKeyIds: [] }), signal)).rejects.toThrow(RangeError);
    const userData = new Secret('x'.repeat(65_537));
    await expect(cloud.createDroplet(await wish({ userData }), signal)).rejects.toThrow(RangeError);
    for (const id of ['', '?tag_name=timmy', '../account', '1/actions', '0'])
      await expect(cloud.deleteDroplet(id, signal)).rejects.toThrow(RangeError);
    await expect(cloud.deleteVolume('', signal)).rejects.toThrow(RangeError);
    await expect(cloud.deleteSshKey('', signal)).rejects.toThrow(RangeError);
    expect(fake.requests).toEqual([]);
  });
});

describe('a droplet', () => {
  it('has its public address only, whichever comes first, and none before', async () => {
    const { id } = await cloud.createDroplet(await wish(), signal);
    clock.advance(8_000);
    expect(fake.books.addresses(fake.books.droplets[0]!)).toHaveLength(1);
    expect(await cloud.droplet(id, signal)).toMatchObject({ state: 'new', ipv4: null });
    clock.advance(12_000);
    expect(await cloud.droplet(id, signal)).toMatchObject({ state: 'new', ipv4: fake.books.droplets[0]!.address });
    fake.moveAddress(Number(id), '198.51.100.250');
    expect(await cloud.droplet(id, signal)).toMatchObject({ ipv4: '198.51.100.250' });
  });

  it.each([
    ['errored', 'dead'],
    ['stuck', 'new'],
    ['off', 'off'],
  ] as const)('whose making is %s is %s', async (making, state) => {
    fake.books.scripts.push({ making });
    const { id } = await cloud.createDroplet(await wish(), signal);
    clock.advance(600_000);
    expect((await cloud.droplet(id, signal))?.state).toBe(state);
    await cloud.deleteDroplet(id, signal);
  });

  it('is busy while it is made: its deletion is tried again; destroyed by somebody, it is gone', async () => {
    const { id } = await cloud.createDroplet(await wish(), signal);
    expect(await failure(cloud.deleteDroplet(id, signal))).toBe('unavailable busy');
    clock.advance(60_000);
    fake.destroyOutside(Number(id));
    expect(await cloud.droplet(id, signal)).toBeNull();
    await cloud.deleteDroplet(id, signal);
  });

  it('is still there for a while after its deletion, and bills whole hours until it', async () => {
    const { id } = await cloud.createDroplet(await wish(), signal);
    clock.advance(3_700_000);
    await cloud.deleteDroplet(id, signal);
    expect(await cloud.droplet(id, signal)).not.toBeNull();
    clock.advance(3_000);
    expect(await cloud.droplet(id, signal)).toBeNull();
    clock.advance(86_400_000);
    expect(fake.books.bills()).toEqual([
      { kind: 'droplet', id, name: 'timmy-b4kq7m-1', hours: 2, nanoUsd: 142_860_000n, ended: true },
    ]);
  });

  it('made a moment ago is found by its name before its tag is', async () => {
    await cloud.createDroplet(await wish(), signal);
    clock.advance(3_000);
    expect(await cloud.listDroplets('timmy-node', signal)).toEqual([]);
    expect(await cloud.findDroplets('timmy-b4kq7m-1', 'timmy-node', signal)).toHaveLength(1);
  });
});

it('lists are read to their last page', async () => {
  fake.books.account.droplet_limit = 1000;
  const order = await wish();
  for (let i = 0; i < 401; i++) fake.books.addDroplet({ ...order, sshKeys: [], volumes: [], userData: '' });
  clock.advance(60_000);
  expect(await cloud.listDroplets('timmy-node', signal)).toHaveLength(401);
  expect(fake.requests.filter(({ path }) => path === '/v2/droplets')).toHaveLength(3);
});

describe('the firewall', () => {
  it('is made once with its tag, and mended where somebody opened a port', async () => {
    await cloud.ensureFirewall(signal);
    await cloud.ensureFirewall(signal);
    const [firewall] = fake.books.firewalls as unknown as { inbound_rules: { ports: string }[]; tags: string[] }[];
    expect(firewall?.tags).toEqual(['timmy-node']);
    const ports = (): string[] => firewall!.inbound_rules.map((rule) => rule.ports);
    expect(ports()).toEqual(['22', '80', '443', '8333', '9735', '41641', '0']);
    firewall!.inbound_rules.push({ ...firewall!.inbound_rules[0]!, ports: '8332' });
    await cloud.ensureFirewall(signal);
    expect(ports()).not.toContain('8332');
    expect(fake.books.log.map(({ what }) => what)).toEqual(['firewall made', 'firewall changed']);
  });
});

describe('limits', () => {
  it('a 429 closes the door for as long as it says, without asking again', async () => {
    await open({ perMinute: 3 });
    for (let i = 0; i < 3; i++) await cloud.account(signal);
    expect(await failure(cloud.account(signal))).toBe('unavailable cloud.rate_limited');
    const asked = fake.requests.length;
    expect(await failure(cloud.account(signal))).toBe('unavailable cloud.rate_limited');
    expect(fake.requests).toHaveLength(asked);
    clock.advance(60_000);
    expect(await cloud.account(signal)).toMatchObject({ isGood: true });
  });

  it('the last of an hour is kept for what makes and destroys', async () => {
    await open({ perHour: 40 });
    let refused = '';
    for (let i = 0; i < 40 && refused === ''; i++)
      refused = await cloud.account(signal).then(
        () => '',
        (error: Error) => error.message,
      );
    expect(refused).toBe('cloud.rate_limited');
    expect(fake.requests).toHaveLength(37);
    await cloud.deleteSshKey('5', signal);
    expect(fake.requests.at(-1)).toMatchObject({ method: 'DELETE', status: 404 });
  });

  it('what is sold is asked for once an hour', async () => {
    for (let i = 0; i < 5; i++) {
      await cloud.sizes(signal);
      await cloud.hasImage('debian-13-x64', signal);
      expect(await cloud.hasImage('no-such-image', signal)).toBe(false);
    }
    const paths = fake.requests.map(({ path }) => path);
    expect(paths.filter((path) => path === '/v2/sizes')).toHaveLength(1);
    expect(paths.filter((path) => path === '/v2/images/debian-13-x64')).toHaveLength(1);
    clock.advance(3_601_000);
    await cloud.sizes(signal);
    expect(fake.requests.filter(({ path }) => path === '/v2/sizes')).toHaveLength(2);
  });
});
