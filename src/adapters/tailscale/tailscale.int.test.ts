import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { createHandClock, type HandClock } from '../../../test/fakes/hand-clock.ts';
import { startFakeTailscale, type FakeTailscale } from '../../../test/fakes/tailscale/index.ts';
import { OutsideError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { Tailnet } from '../../ports/cloud.ts';
import { createTailscale, type TailscaleAccess } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const KEYS = { method: 'POST', path: /keys$/ };

let fake: FakeTailscale;
let clock: HandClock;
afterEach(() => fake.stop());

async function open(
  how: 'oauth' | 'key' | 'wrong' = 'oauth',
  tags?: readonly string[],
  tag = 'tag:timmy-node',
): Promise<Tailnet> {
  clock = createHandClock();
  fake = await startFakeTailscale({ now: () => clock.now(), ...(tags && { tags }) });
  const clientSecret = new Secret(how === 'wrong' ? 'tskey-client-wrong' : fake.clientSecret);
  const access: TailscaleAccess =
    how === 'key' ? { apiKey: new Secret(fake.apiKey) } : { clientId: fake.clientId, clientSecret };
  return createTailscale({ url: fake.url, access, tailnet: '-', tag, clock, callsPerSecond: 1000 });
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    expect(inspect(error, { depth: 10 })).not.toMatch(/tskey-/);
    if (!(error instanceof OutsideError)) throw error;
    return `${error.fault} ${error.message}`;
  }
}

const wish = { description: 'timmy-b4kq7m-1', expirySeconds: 1800 };

describe.each(['oauth', 'key'] as const)('by %s', (how) => {
  it('makes a key that lets one device in, once and for its time; finds and removes what came', async () => {
    const tailnet = await open(how);
    const { id, key, expiresAt } = await tailnet.createKey(wish, signal);
    expect(String(key)).toBe('[secret]');
    expect(expiresAt).toBe(clock.now() + 1800);
    expect(fake.inventory()).toEqual({ devices: [], keys: ['timmy-b4kq7m-1'] });
    expect(fake.join(key.expose(), 'timmy-b4kq7m-1')).toBe(true);
    expect(fake.join(key.expose(), 'timmy-b4kq7m-1')).toBe(false);
    fake.devices.push({ nodeId: 'nOtherCNTRL', hostname: 'timmy-b4kq7m-1', name: 'someone', tags: [] });
    const [device, ...more] = await tailnet.findDevices('timmy-b4kq7m-1', signal);
    expect(more).toEqual([]);
    expect(device?.name).toBe('timmy-b4kq7m-1.tail1234.ts.net');
    expect(await tailnet.findDevices('timmy-other-1', signal)).toEqual([]);
    await tailnet.deleteKey(id, signal);
    await tailnet.deleteKey(id, signal);
    await tailnet.deleteDevice(device!.id, signal);
    await tailnet.deleteDevice(device!.id, signal);
    expect(fake.inventory()).toEqual({ devices: ['timmy-b4kq7m-1'], keys: [] });
  });

  it('a key that was revoked or is past its end lets nobody in', async () => {
    const tailnet = await open(how);
    const revoked = await tailnet.createKey(wish, signal);
    await tailnet.deleteKey(revoked.id, signal);
    const late = await tailnet.createKey(wish, signal);
    clock.advance(1_800_000);
    expect([revoked, late].map(({ key }) => fake.join(key.expose(), 'x'))).toEqual([false, false]);
  });
});

it('tokens are asked for once in their hour, and anew when one ends before its time', async () => {
  const tailnet = await open();
  const tokens = (): number => fake.requests.filter(({ path }) => path.endsWith('/oauth/token')).length;
  for (let i = 0; i < 3; i++) await tailnet.findDevices('x', signal);
  expect(tokens()).toBe(1);
  clock.advance(3_500_000);
  await tailnet.findDevices('x', signal);
  expect(tokens()).toBe(2);
  fake.endTokens();
  await tailnet.findDevices('x', signal);
  expect(tokens()).toBe(3);
});

it('a wrong secret, a tag that may not be given', async () => {
  expect(await failure((await open('wrong')).createKey(wish, signal))).toBe('rejected unauthorized');
  await fake.stop();
  const two = await open('oauth', ['tag:timmy-node', 'tag:other']);
  expect(await failure(two.createKey(wish, signal))).toBe('rejected forbidden');
});

it.each([
  [{ kind: 'reset_after' } as const, 'unknown tailnet.no_answer'],
  [{ kind: 'reset_before' } as const, 'unknown tailnet.no_answer'],
  [{ kind: 'instead', status: 500, body: '{"message":"oops"}' } as const, 'unknown tailnet.http_500'],
  [{ kind: 'instead', status: 200, body: '{}' } as const, 'unknown tailnet.nonsense'],
  [{ kind: 'instead', status: 429, body: '{"message":"slow"}' } as const, 'unavailable tailnet.rate_limited'],
  [{ kind: 'instead', status: 404, body: '<html>' } as const, 'unknown tailnet.http_404'],
  [{ kind: 'instead', status: 400, body: '{"message":"bad"}' } as const, 'rejected invalid'],
])('%j: a key is "%s"', async (fault, meaning) => {
  const tailnet = await open();
  fake.faults.add({ ...KEYS, fault });
  expect(await failure(tailnet.createKey(wish, signal))).toBe(meaning);
});

it('a proxy’s 404 is no proof that a device is gone; no id goes into a path unchecked', async () => {
  const tailnet = await open();
  fake.faults.add({ method: 'DELETE', path: /device/, fault: { kind: 'instead', status: 404, body: '<html>' } });
  expect(await failure(tailnet.deleteDevice('nABC', signal))).toBe('unavailable tailnet.http_404');
  await expect(tailnet.deleteDevice('', signal)).rejects.toThrow(RangeError);
  await expect(tailnet.deleteKey('a/../b', signal)).rejects.toThrow(RangeError);
});
