import { afterEach, describe, expect, it } from 'vitest';
import { createStubWallet } from '../../src/adapters/stubs/wallet/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createMemoryCloud, type MemoryCloud } from '../fakes/memory-cloud.ts';
import { openGuest } from '../builders/guest.ts';
import { RELAY, rng } from '../builders/house.ts';
import { visit, type Visit } from './visit.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';

let v: Visit;
let cloud: MemoryCloud;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

/** It makes no invoices while this is so. */
let isWalletAway = false;

async function open(env: Record<string, string> = {}): Promise<void> {
  isWalletAway = false;
  const clock = createHandClock();
  cloud = createMemoryCloud(clock);
  v = await visit({
    clock,
    clouds: { cloud: cloud.cloud },
    wallet: (database) => {
      const wallet = createStubWallet({ database, network: 'regtest', clock, rng });
      const createInvoice: typeof wallet.createInvoice = (request, signal) =>
        isWalletAway
          ? Promise.reject(new OutsideError('unavailable', 'wallet.away'))
          : wallet.createInvoice(request, signal);
      return { ...wallet, createInvoice };
    },
    env: { BOOTSTRAP_ALLOW_LOSS: '1', ...env },
  });
  await v.pass(2);
}

const invoiceIn = (heard: readonly string[]): string => heard.filter((text) => text.startsWith('lnbc')).at(-1) ?? '';
const say = async (text: string, seconds = 2): Promise<string[]> => {
  await v.guest.say(text);
  await v.pass(seconds);
  return v.news();
};
const payLast = async (seconds = 2): Promise<string[]> => {
  await v.pay(invoiceIn(v.guest.heard));
  await v.pass(seconds);
  return v.news();
};
/** Time that passes in steps of an hour. */
const days = async (count: number): Promise<void> => {
  for (let hour = 0; hour < count * 24; hour++) {
    v.clock.advance(3_599_000);
    await v.pass(1);
  }
};
/** The node of the newest droplet speaks to us with the claim it was born with. */
async function announce(changes: Record<string, unknown> = {}) {
  const host = cloud.hosts.at(-1);
  const born = JSON.parse(host?.userData ?? '{}') as { orderId: string; attempt: number; claim: string };
  const node = openGuest({ hub: v.house.hub, relay: RELAY, clock: v.clock }, v.house.pubkey);
  const params = {
    order: born.orderId,
    attempt: born.attempt,
    claim: born.claim,
    host_keys: [`SHA256:${'A'.repeat(43)}`],
    version: '1',
    impl: 'core',
    ...changes,
  };
  await node.say(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node.announce', params }));
  await v.pass(2);
  return node;
}

describe('a node in words', () => {
  it('is explained, ordered with a key, paid, made step by step, introduced, and taken back', async () => {
    await open();
    expect(await say('bootstrap')).toEqual([
      expect.stringMatching(
        /^A Bitcoin node of your own: a server in nyc3 \(4 CPUs, 8 GB, 160 GB of disk\) with Bitcoin Core, a pruned chain .* 10000 sats for 30 days\. Send: bootstrap and your SSH public key/,
      ),
    ]);
    expect(await say(`bootstrap ${KEY}`)).toEqual([
      expect.stringMatching(/^B-XXXXX. 10000 sats for 30 days: a server .* costs me 48.00 USD a month/),
      '<invoice for 10000>',
    ]);
    expect(await payLast(5)).toEqual([
      expect.stringMatching(/^Paid. B-XXXXX is being made/),
      'B-XXXXX: the server is ordered and starts.',
    ]);
    await v.pass(60);
    expect(await v.news()).toEqual([expect.stringMatching(/^B-XXXXX: the server runs and installs its software/)]);
    const node = await announce();
    expect(node.heard.map((text) => JSON.parse(text) as unknown)).toEqual([
      expect.objectContaining({ result: expect.objectContaining({ accepted: true }) as unknown }),
    ]);
    expect(await v.news()).toEqual([
      expect.stringMatching(/^B-XXXXX runs at 203\.0\.113\.\d+, yours until .* Log in: ssh root@203/),
      expect.stringMatching(/^The node of B-XXXXX has a key of its own .* npub1\w+\. Its host key: SHA256:A/),
    ]);
    await v.pass(5);
    expect(cloud.inventory()).toMatchObject({ droplets: [{ deletedAt: null }], keys: [], volumes: [] });
    expect(await say('status')).toEqual([expect.stringMatching(/^B-XXXXX: your node runs at 203/)]);

    // What the node writes in words is bought by nobody.
    await node.say('I am 12 % synced');
    await v.pass(2);
    expect(node.heard).toHaveLength(1);

    const id = /B-\w{5}/.exec(v.guest.heard.find((text) => text.includes('B-')) ?? '')?.[0] ?? '';
    await days(15);
    await v.news();
    // Said without its id it is never meant.
    expect(await say('cancel')).toEqual([
      expect.stringContaining('what is on it would be lost. If you mean it, send: cancel B-'),
    ]);
    expect(await say(`cancel ${id}`)).toEqual([
      expect.stringMatching(/would be destroyed.* 4999 sats of its fee would come back/),
    ]);
    expect((await say(`cancel ${id}`, 1))[0]).toMatch(
      /^B-XXXXX is being destroyed. Of its fee you have not used all. 4999 sats are yours/,
    );
    await v.pass(30);
    expect((await v.news()).at(-1)).toMatch(/^B-XXXXX is gone: the cloud says so/);
    expect(cloud.inventory()).toMatchObject({ droplets: [], keys: [], volumes: [] });
    expect(v.count(`SELECT count(*) FROM cloud_rentals WHERE gone_at IS NULL`)).toBe(0);
  });
});

const rpc = async (method: string, params: unknown, seconds = 2): Promise<Record<string, unknown>[]> => {
  await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: `${method}${v.clock.now()}`, method, params }));
  await v.pass(seconds);
  return (await v.news()).map((text) => JSON.parse(text) as Record<string, unknown>);
};
interface Told {
  readonly result?: { readonly bootstrap: Record<string, unknown> };
  readonly params?: { readonly bootstrap: Record<string, unknown> };
}
const told = (messages: readonly Told[]): (Record<string, unknown> | undefined)[] =>
  messages.map(({ result, params }) => (result ?? params)?.bootstrap);

describe('a node by program', () => {
  it('is ordered without a key: a pair is made, its private half is sent once and is nowhere kept', async () => {
    await open();
    const [made] = told(await rpc('bootstrap.create', { region: 'fra1', size: 's-2vcpu-4gb', key: 'mine' }));
    expect(made).toMatchObject({
      state: 'awaiting_payment',
      node: null,
      ssh_private_key: null,
      offer: { region: 'fra1', prune_mib: 25_000, monthly_usd: '24.00' },
      invoice: { purpose: 'bootstrap', amount_sats: 10_000 },
    });
    const [, { bolt11 }] = [made, made?.invoice as { bolt11: string }];
    await v.pay(bolt11);
    await v.pass(5);
    const heard = v.guest.heard.map((text) => JSON.parse(text) as Told);
    const keys = told(heard).filter((one) => typeof one?.ssh_private_key === 'string');
    expect(keys).toHaveLength(1);
    expect(keys[0]?.ssh_private_key).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    const seqs = told(heard).map((one) => one?.seq as number);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    await v.pass(60);
    await announce();
    await v.news();
    const [shown] = told(await rpc('bootstrap.get', {}));
    expect(shown).toMatchObject({ state: 'ready', ssh_private_key: null, node: { region: 'fra1', announced: true } });
    // Neither the database nor what the cloud was given holds it.
    const secret = String(keys[0]?.ssh_private_key).split('\n')[2] ?? '-';
    const dump = JSON.stringify(
      v.house.database.read.$client
        .prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`)
        .pluck()
        .all()
        .map((table) => v.house.database.read.$client.prepare(`SELECT * FROM "${String(table)}"`).all()),
    );
    expect(dump).not.toContain(secret);
    expect(cloud.hosts[0]?.userData).not.toContain(secret);
    const again = await rpc('bootstrap.create', { region: 'fra1', size: 's-2vcpu-4gb', key: 'mine' });
    expect(told(again)[0]?.id).toBe(shown?.id);
    expect(await rpc('bootstrap.create', {})).toMatchObject([{ error: { code: -32002 } }]);
  });

  it('says what it does not take', async () => {
    await open();
    expect(await rpc('bootstrap.create', { region: 'mars' })).toMatchObject([
      { error: { code: -32602, data: { regions: ['nyc3', 'fra1', 'sgp1'] } } },
    ]);
    expect(await rpc('bootstrap.create', { ssh_public_key: 'ssh-dss AAAA' })).toMatchObject([
      { error: { code: -32602 } },
    ]);
    expect(await rpc('bootstrap.cancel', { id: 'B-00000' })).toMatchObject([{ error: { code: -32001 } }]);
    expect(await rpc('node.report', { order: 'B-00000' })).toMatchObject([{ error: { code: -32601 } }]);
  });
});

describe('what a claim is', () => {
  it('is believed once, and from nobody who guesses', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    await payLast(70);
    const stranger = await announce({ claim: 'A'.repeat(43) });
    expect(stranger.heard[0]).toContain('-32001');
    const node = await announce();
    expect(node.heard[0]).toContain('"accepted":true');
    const second = await announce();
    expect(second.heard[0]).toContain('-32001');
    expect((await v.news()).filter((text) => text.includes('a key of its own'))).toHaveLength(1);
    const report = {
      order: /B-\w{5}/.exec(v.guest.heard[0] ?? '')?.[0],
      seq: 1,
      height: 100,
      headers: 900_000,
      progress_ppm: 12,
      synced: false,
      peers: 8,
      disk_free_mb: 100,
      disk_total_mb: 160_000,
      bitcoind: '31.0',
      lnd: null,
      lnbits: false,
      trouble: ['disk_low'],
    };
    const ask = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'node.report', params: report });
    await node.say(ask);
    await stranger.say(ask);
    await v.pass(2);
    expect(node.heard[1]).toContain('"ok":true');
    expect(stranger.heard[1]).toContain('-32601');
    expect(v.count('SELECT seq FROM node_reports')).toBe(1);
  });
});

describe('a lease', () => {
  const until = async (match: RegExp, most: number): Promise<string> => {
    for (let day = 0; day < most; day++) {
      await days(1);
      const text = (await v.news()).find((one) => match.test(one));
      if (text !== undefined) return text;
    }
    throw new Error(`not heard: ${match.source}`);
  };
  const ready = async (): Promise<void> => {
    await say(`bootstrap ${KEY}`);
    await payLast(70);
    await announce();
    await v.news();
  };

  it('is warned of, renewed from its old end, lapses, waits, and is gone: sixty days', async () => {
    await open();
    await ready();
    expect(await until(/^The time of B-XXXXX ends in 7 days/, 30)).toContain('10000 sats give 30 days more');
    expect(await payLast()).toEqual([expect.stringMatching(/^Paid. B-XXXXX is yours until/)]);
    expect(await until(/^The time of B-XXXXX ends in/, 40)).toContain('the invoice follows');
    expect(await until(/^The time of B-XXXXX is over/, 10)).toMatch(/I destroy it in (2 days|48 hours)/);
    expect(cloud.inventory().droplets).toHaveLength(1);
    expect(await until(/is gone: the cloud says so/, 4)).toBeDefined();
    expect(cloud.inventory().droplets).toHaveLength(0);
    expect(v.count(`SELECT coalesce(sum(credits - debits), 0) / 1000 FROM accounts WHERE id = 'rev:bootstrap'`)).toBe(
      20_000,
    );
  });

  it('is warned of without an invoice where none can be made, and says so', async () => {
    await open();
    await ready();
    await days(22);
    await v.news();
    isWalletAway = true;
    await days(1);
    await v.pass(60);
    expect(await v.news()).toEqual([
      expect.stringMatching(/^The time of B-XXXXX ends in 7 days/),
      'B-XXXXX: no invoice could be made just now, and nothing was charged. Please send in a few minutes: invoice B-XXXXX',
    ]);
    isWalletAway = false;
    const id = /B-\w{5}/.exec(v.guest.heard[0] ?? '')?.[0] ?? '';
    expect((await say(`invoice ${id}`)).at(-1)).toBe('<invoice for 10000>');
  });

  it('ends early: of both terms that are paid, what was not used goes back', async () => {
    await open();
    await ready();
    await until(/^The time of B-XXXXX ends in/, 30);
    await payLast();
    const id = /B-\w{5}/.exec(v.guest.heard[0] ?? '')?.[0] ?? '';
    await say(`cancel ${id}`);
    const [text] = await say(`cancel ${id}`, 30);
    const back = Number(/(\d+) sats are yours/.exec(text ?? '')?.[1]);
    expect(back).toBeGreaterThan(12_000);
    expect(back).toBeLessThan(12_700);
    expect(v.count(`SELECT count(*) FROM receipts WHERE kind = 'charge'`)).toBe(4);
    expect(v.count(`SELECT sum(amount_msats) / 1000 FROM debts`)).toBe(back);
  });

  it('of a machine that others removed ends with it, and one that moved says where to', async () => {
    await open();
    await ready();
    cloud.move(cloud.hosts[0]?.id ?? '', '203.0.113.99');
    await v.pass(700);
    expect(await v.news()).toEqual([expect.stringContaining('is 203.0.113.99 now')]);
    cloud.destroy(cloud.hosts[0]?.id ?? '');
    await v.pass(700);
    expect((await v.news())[0]).toMatch(/^B-XXXXX is not there any more.* 99\d\d sats are yours/);
  });
});

it('is not offered in production without a cloud, and Timmy starts all the same', async () => {
  const production = { NODE_ENV: 'production', TIMMY_ALLOW_PRIVATE_NETWORK: '0' };
  await open({ ...production, TIMMY_ALLOW_STUBS: '1' });
  expect((await say('bootstrap'))[0]).toContain('A Bitcoin node of your own');
  await v.close();
  const real = { LNBITS_URL: 'http://127.0.0.1:9', LNBITS_API_KEY: 'a'.repeat(32), ANTHROPIC_API_KEY: 'k' };
  await open({ ...production, ...real });
  expect(await say('bootstrap')).toEqual(['Nodes of your own are not offered here. Nothing was charged.']);
  expect((await say('help')).join()).not.toContain('bootstrap');
});

describe('the token of another account', () => {
  it('makes nobody’s node gone, and sells none, until it is the old one again', async () => {
    await open();
    await say(`bootstrap ${KEY}`);
    await payLast(70);
    await announce();
    await v.news();
    cloud.accountId = 'theirs';
    await v.pass(1300);
    expect(await v.news()).toEqual([]);
    const other = await v.house.guest();
    await other.say('bootstrap');
    await v.pass(2);
    expect(other.heard).toEqual(['I can make no node just now. Nothing was charged. Please try again later.']);
    const id = /B-\w{5}/.exec(v.guest.heard[0] ?? '')?.[0] ?? '';
    await say(`cancel ${id}`);
    await v.pass(2);
    await say(`cancel ${id}`);
    await v.pass(300);
    expect((await v.news()).join()).not.toContain('is gone');
    expect(v.count(`SELECT count(*) FROM cloud_rentals WHERE gone_at IS NULL`)).toBe(1);
    cloud.accountId = 'ours';
    await v.pass(60);
    expect((await v.news()).at(-1)).toMatch(/^B-XXXXX is gone: the cloud says so/);
    expect(cloud.inventory().droplets).toEqual([]);
  });
});

describe('what cannot be made', () => {
  it.each([
    ['never comes up', 'never', /did not come up in time/],
    ['dies', 'dead', /did not come up\./],
  ] as const)('%s: it is taken away and paid back, after a try elsewhere', async (_name, fate, why) => {
    await open({ DO_REGION_FALLBACK: 'fra1' });
    cloud.boot = fate;
    await say(`bootstrap ${KEY}`);
    const heard = [...(await payLast(5)), ...(await v.pass(1500).then(() => v.news()))];
    expect(heard.join('\n')).toContain('I try another');
    expect(heard.at(-1)).toMatch(why);
    expect(heard.at(-1)).toContain('10000 sats are yours');
    expect(cloud.hosts.map(({ region }) => region)).toEqual(['nyc3', 'fra1']);
    await v.pass(120);
    expect(cloud.inventory()).toMatchObject({ droplets: [], keys: [] });
  });

  it('one place, two who paid: the second has its fee back', async () => {
    await open({ BOOTSTRAP_MAX_ACTIVE: '1' });
    const other = await v.house.guest();
    await say(`bootstrap ${KEY}`);
    await other.say('bootstrap keygen');
    await v.pass(2);
    await payLast(2);
    await v.pay(invoiceIn(other.heard));
    await v.pass(5);
    expect(other.heard.at(-1)).toContain('all places were taken');
    expect(cloud.hosts).toHaveLength(1);
  });
});
