import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { decodeInvoice, encodeInvoice } from '../../src/bolt11/index.ts';
import { unixSeconds } from '../../src/lib/units.ts';

interface Keys {
  readonly id: string;
  readonly inkey: string;
  readonly adminkey: string;
}

/** An LNbits with two funded wallets, real or fake. */
export interface LnbitsUnderTest {
  readonly url: string;
  readonly profile: '1.5' | '1.6';
  readonly ours: Keys;
  readonly theirs: Keys;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly list: Record<string, unknown>[];
}

const FIELDS =
  'checking_id payment_hash wallet_id amount fee bolt11 payment_request fiat_provider status memo expiry webhook webhook_status preimage tag extension time created_at updated_at labels extra';

/**
 * What a client may rely on in LNbits' HTTP, line by line, so that the fake is as good as the real one: every test runs
 * against both. (The real one has FakeWallet behind it, so payments here are internal ones.)
 */
export function lnbitsHttpContract(name: string, open: () => Promise<LnbitsUnderTest>): void {
  describe(`the HTTP of ${name}`, () => {
    let server: LnbitsUnderTest;
    beforeAll(async () => {
      server = await open();
    }, 180_000);
    afterAll(() => server.close());

    async function call(method: string, path: string, key?: string, body?: unknown): Promise<Reply> {
      const answer = await fetch(`${server.url}${path}`, {
        method,
        redirect: 'manual',
        headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'X-API-KEY': key }) },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const json = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
      return { status: answer.status, body: json, list: (json as unknown as Record<string, unknown>[]) ?? [] };
    }
    const create = (extra: object = {}, keys = server.ours): Promise<Reply> =>
      call('POST', '/api/v1/payments', keys.inkey, { out: false, amount: 7, memo: 'contract', ...extra });
    const pay = (bolt11: unknown, keys = server.ours): Promise<Reply> =>
      call('POST', '/api/v1/payments', keys.adminkey, {
        out: true,
        bolt11,
        extra: { timmy_debts: 'R-1', tag: 'timmy' },
      });
    const get = (hash: unknown, key?: string): Promise<Reply> => call('GET', `/api/v1/payments/${String(hash)}`, key);
    const balance = async (keys: Keys): Promise<number> =>
      Number((await call('GET', '/api/v1/wallet', keys.inkey)).body['balance']);
    const outside = (amountMsats: bigint | null): string =>
      encodeInvoice(
        {
          network: 'bitcoin',
          amountMsats,
          timestamp: unixSeconds(Math.floor(Date.now() / 1000)),
          expirySeconds: 3600,
          description: 'outside',
          paymentHash: randomBytes(32).toString('hex'),
          paymentSecret: randomBytes(32).toString('hex'),
        },
        randomBytes(32),
      );

    test('keys and the wallet', async () => {
      expect(await call('GET', '/api/v1/wallet')).toMatchObject({
        status: 401,
        body: { detail: 'No Api Key provided.' },
      });
      expect(await call('GET', '/api/v1/wallet', 'f'.repeat(32))).toMatchObject({
        status: 404,
        body: { detail: 'Wallet not found.' },
      });
      const byInkey = await call('GET', '/api/v1/wallet', server.ours.inkey);
      expect(Object.keys(byInkey.body).sort()).toEqual(['balance', 'name']);
      const byAdminkey = await call('GET', '/api/v1/wallet', server.ours.adminkey);
      expect(byAdminkey.body).toMatchObject({ id: server.ours.id });
      expect(Number.isInteger(byAdminkey.body['balance'])).toBe(true);
    });

    test('which key for what', async () => {
      const { inkey, adminkey } = server.ours;
      const refused = { status: 403, body: { detail: 'Invoice (or Admin) key required.' } };
      expect(await call('POST', '/api/v1/payments', inkey, { out: true, bolt11: outside(1000n) })).toMatchObject(
        refused,
      );
      expect(await call('POST', '/api/v1/payments', inkey, { amount: 1 })).toMatchObject(refused);
      const missing = await call('POST', '/api/v1/payments', adminkey, { amount: 1 });
      expect(missing).toMatchObject({ status: 400, body: { detail: 'Missing BOLT11 invoice' } });
    });

    test('errors', async () => {
      const negative = await create({ amount: -1 });
      expect(negative.status).toBe(400);
      expect(Array.isArray(negative.body['detail'])).toBe(true);
      expect(await create({ amount: 0 })).toMatchObject({ status: 520, body: { status: 'failed' } });
      expect((await call('POST', '/api/v1/payments', server.ours.inkey, '{"out": fal')).status).toBe(400);
      expect((await call('POST', '/api/v1/payments', undefined, '{"out": fal')).status).toBe(400);
    });

    test('health, slash, version', async () => {
      expect((await call('GET', '/api/v1/health')).status).toBe(200);
      expect((await call('GET', '/api/v1/wallet/', server.ours.inkey)).status).toBe(307);
      expect((await call('PUT', '/api/v1/payments', server.ours.adminkey, {})).status).toBe(405);
      const { info } = (await call('GET', '/openapi.json')).body as { info?: { version?: string } };
      expect(info?.version).toMatch(new RegExp(`^${server.profile.replace('.', '\\.')}`));
    });

    test('a new invoice', async () => {
      const { status, body } = await create({
        expiry: 600,
        extra: { timmy_intent: 'i-1', tag: 'timmy' },
        unknown_field: 1,
      });
      expect(status).toBe(201);
      // 1.5 has it too, from 1.5.5 on.
      const { external_id: external, ...fields } = body;
      expect(Object.keys(fields).sort()).toEqual(FIELDS.split(' ').sort());
      if (server.profile === '1.6') expect(external).toBeNull();
      expect(body).toMatchObject({
        status: 'pending',
        amount: 7000,
        fee: 0,
        checking_id: body['payment_hash'],
        tag: 'timmy',
      });
      expect(body['bolt11']).toBe(body['payment_request']);
      expect(decodeInvoice(String(body['bolt11']))).toMatchObject({
        amountMsats: 7000n,
        paymentHash: body['payment_hash'],
        description: 'contract',
        expirySeconds: 600,
        network: 'bitcoin',
      });
      expect(body['preimage']).toMatch(/^[0-9a-f]{64}$/);
      expect(body['expiry']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
      const { details } = (await get(body['payment_hash'], server.ours.inkey)).body as {
        details?: Record<string, unknown>;
      };
      expect(details?.['expiry']).toMatch(/\+00:00$/);
      expect(details?.['time']).toMatch(/T\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
      expect(details).toMatchObject({ wallet_id: server.ours.id, extra: { timmy_intent: 'i-1' } });
    });

    test('odd requests', async () => {
      const without = await call('POST', '/api/v1/payments', server.ours.inkey, { out: false, memo: 'x' });
      expect(without.status).toBe(500);
      expect((await create({ amount: 10.9 })).body['amount']).toBe(10_000);
      expect((await create({ amount: '12' })).body['amount']).toBe(12_000);
      const half = await create({ amount: 0.5 });
      expect(half).toMatchObject({ status: 201, body: { amount: 0 } });
      expect(decodeInvoice(String(half.body['bolt11']))).toMatchObject({ amountMsats: null });
      expect((await create({ memo: 'm'.repeat(641) })).status).toBe(400);
      expect((await create({ memo: 'm'.repeat(640) })).status).toBe(400);
      expect((await create({ memo: '' })).body['memo']).toBe('LNbits');
      for (const [expiry, seconds] of [
        [0, 3600],
        [undefined, 3600],
        [60, 60],
      ]) {
        const { body } = await create({ expiry });
        expect(decodeInvoice(String(body['bolt11']))).toMatchObject({ expirySeconds: seconds });
      }
      expect((await create({ amount: 10_000_001 })).body['status']).toBe('failed');
      expect((await create({ amount: 10_000_000 })).status).toBe(201);
      expect((await create()).body['payment_hash']).not.toBe((await create()).body['payment_hash']);
    });

    test('a pending invoice, to its owner and to others', async () => {
      const { body } = await create();
      const hash = String(body['payment_hash']);
      const mine = (await get(hash, server.ours.inkey)).body;
      expect(mine).toMatchObject({ paid: false, status: 'pending' });
      expect(Object.keys(mine).sort()).toEqual(['details', 'paid', 'preimage', 'status']);
      const stranger = await get(hash);
      expect(stranger.status).toBe(200);
      expect(Object.keys(stranger.body).sort()).toEqual(['paid', 'preimage']);
      if (server.profile === '1.6') expect([mine['preimage'], stranger.body['preimage']]).toEqual([null, null]);
      else expect(stranger.body['preimage']).toBe(body['preimage']);
      expect((await get(hash, 'f'.repeat(32))).body).not.toHaveProperty('details');
      const absent = { status: 404, body: { detail: 'Payment does not exist.' } };
      expect(await get(hash, server.theirs.inkey)).toMatchObject(absent);
      expect(await get(randomBytes(32).toString('hex'), server.ours.inkey)).toMatchObject(absent);
      expect(await get(hash.toUpperCase(), server.ours.inkey)).toMatchObject(absent);
      expect(await get('sse', server.ours.inkey)).toMatchObject(absent);
    });

    test('an internal payment', async () => {
      const { body } = await create({}, server.theirs);
      const [ours, theirs] = [await balance(server.ours), await balance(server.theirs)];
      const paid = await pay(body['bolt11']);
      const hash = String(body['payment_hash']);
      expect(paid).toMatchObject({
        status: 201,
        body: {
          status: 'success',
          checking_id: `internal_${hash}`,
          amount: -7000,
          fee: 0,
          preimage: body['preimage'],
          memo: 'contract',
          tag: 'timmy',
        },
      });
      expect(await balance(server.ours)).toBe(ours - 7000);
      expect(await balance(server.theirs)).toBe(theirs + 7000);
      const looked = (await get(hash, server.ours.inkey)).body;
      expect(Object.keys(looked).sort()).toEqual(['details', 'paid', 'preimage']);
      expect(looked).toMatchObject({ paid: true, details: { amount: -7000, wallet_id: server.ours.id } });
      for (const keys of [server.ours, server.theirs]) {
        const again = await pay(body['bolt11'], keys);
        expect(again).toMatchObject({
          status: 520,
          body: { detail: 'Internal invoice already paid.', status: 'failed' },
        });
      }
    });

    test('a wallet that paid itself is shown the outgoing row, and both in the list', async () => {
      const { body } = await create();
      await pay(body['bolt11']);
      const hash = String(body['payment_hash']);
      expect((await get(hash, server.ours.inkey)).body).toMatchObject({ details: { amount: -7000 } });
      const both = await call('GET', `/api/v1/payments?payment_hash=${hash}`, server.ours.inkey);
      expect(both.list.map((row) => row['amount']).sort()).toEqual([-7000, 7000]);
      const incoming = await call(
        'GET',
        `/api/v1/payments/paginated?payment_hash=${hash}&amount[gt]=0`,
        server.ours.inkey,
      );
      expect(incoming.body).toMatchObject({ total: 1, data: [{ amount: 7000, status: 'success' }] });
    });

    test('refusals, and no row of them', async () => {
      const { body } = await create({}, server.theirs);
      const copy = decodeInvoice(String(body['bolt11']));
      if ('invalid' in copy) throw new Error(copy.invalid);
      const { paymentHash, paymentSecret, timestamp, expirySeconds } = copy;
      const changed = encodeInvoice(
        {
          ...{ paymentHash, paymentSecret, timestamp, expirySeconds },
          ...{ network: 'bitcoin', amountMsats: 7000n, description: 'changed' },
        },
        randomBytes(32),
      );
      expect(await pay(changed)).toMatchObject({
        status: 520,
        body: { detail: 'Invalid invoice. Bolt11 changed.', status: 'failed' },
      });
      for (const text of [
        `lightning:${String(body['bolt11'])}`,
        ` ${String(body['bolt11'])}`,
        `${String(body['bolt11']).slice(0, -1)}1`,
        'x',
      ]) {
        expect(await pay(text)).toMatchObject({
          status: 520,
          body: { detail: 'Bolt11 decoding failed.', status: 'failed' },
        });
      }
      expect(await pay(outside(null))).toMatchObject({
        status: 520,
        body: { detail: 'Amountless invoices not supported.', status: 'failed' },
      });
      const poor = outside(9_000_000_000n);
      expect(await pay(poor)).toMatchObject({
        status: 520,
        body: { detail: 'Insufficient balance.', status: 'failed' },
      });
      const all = BigInt(await balance(server.ours));
      const noReserve = await pay(outside(all));
      expect(noReserve).toMatchObject({ status: 520, body: { status: 'failed' } });
      expect(noReserve.body['detail']).toMatch(
        /^You must reserve at least \(\d+ {2}sat\) to cover potential routing fees\.$/,
      );
      const copied = decodeInvoice(poor);
      expect((await get('invalid' in copied ? '' : copied.paymentHash, server.ours.inkey)).status).toBe(404);
      expect((await pay(String(body['bolt11']).toUpperCase())).status).toBe(201);
    });

    test('FakeWallet pays nobody outside: failed, and a re-post proves nothing', async () => {
      const bolt11 = outside(20_000n);
      const copy = decodeInvoice(bolt11);
      const hash = 'invalid' in copy ? '' : copy.paymentHash;
      const before = await balance(server.ours);
      expect(await pay(bolt11)).toMatchObject({
        status: 520,
        body: { detail: 'Payment failed: Only internal invoices can be used!', status: 'failed' },
      });
      const looked = (await get(hash, server.ours.inkey)).body;
      expect(looked).toMatchObject({
        paid: false,
        status: 'failed',
        details: { amount: -20_000, fee: -2000, status: 'failed' },
      });
      expect(Object.keys(looked).sort()).toEqual(['details', 'paid', 'status']);
      expect(await balance(server.ours)).toBe(before);
      expect(await pay(bolt11)).toMatchObject({
        status: 201,
        body: { status: 'failed', amount: -20_000, payment_hash: hash },
      });
      const list = await call('GET', '/api/v1/payments?limit=-1', server.ours.inkey);
      expect(list.list.some((row) => row['payment_hash'] === hash)).toBe(false);
      const page = await call('GET', `/api/v1/payments/paginated?payment_hash=${hash}`, server.ours.inkey);
      expect(page.body).toMatchObject({ total: 1 });
    });

    test('the reserve', async () => {
      for (const [amount, reserve] of [
        [1000n, 2000],
        [1_000_000n, 10_000],
      ] as const) {
        const { body } = await call(
          'GET',
          `/api/v1/payments/fee-reserve?invoice=${outside(amount)}`,
          server.ours.inkey,
        );
        expect(body).toEqual({ fee_reserve: reserve });
      }
    });

    test('lists', async () => {
      for (let i = 0; i < 11; i++) await create({ memo: `List ${i}` });
      const list = async (query: string): Promise<Reply> => call('GET', `/api/v1/payments${query}`, server.ours.inkey);
      const newest = await list('');
      expect(newest.list).toHaveLength(10);
      expect(newest.list[0]).toMatchObject({ memo: 'List 10' });
      expect((await list('?limit=2&offset=1')).list.map((row) => row['memo'])).toEqual(['List 9', 'List 8']);
      expect((await list('?limit=x')).status).toBe(400);
      expect((await list('?direction=up')).status).toBe(400);
      expect((await list('?sortby=bogus')).status).toBe(400);
      const everything = (await list('?limit=-1')).list.length;
      expect((await list('?limit=-1&no_such_field=1')).list).toHaveLength(everything);
      expect((await list('?limit=-1&amount[gt]=abc')).list).toHaveLength(everything);
      expect((await list('?memo[like]=list 1')).list.map((row) => row['memo']).sort()).toEqual(['List 1', 'List 10']);
      expect((await list('?limit=-1&status=success')).list.every((row) => row['status'] === 'success')).toBe(true);
      const page = await list('/paginated?sortby=time&direction=desc&limit=1');
      expect(page.body).toMatchObject({ data: [{ memo: 'List 10' }] });
      expect((await list('/paginated?offset=5000')).body).toMatchObject({ data: [], total: 0 });
    });

    test('past its expiry an invoice is what the version makes of it', async () => {
      const { body } = await create({ expiry: 1 }, server.theirs);
      const hash = String(body['payment_hash']);
      const { expiresAt } = decodeInvoice(String(body['bolt11'])) as { expiresAt: number };
      await new Promise((resolve) => setTimeout(resolve, (expiresAt + 1.2) * 1000 - Date.now()));
      const looked = await get(hash, server.theirs.inkey);
      if (server.profile === '1.5') return expect(looked.body).toMatchObject({ status: 'pending' });
      expect(looked.body).toMatchObject({ paid: false, status: 'failed', details: { labels: ['expired'] } });
      const paid = await pay(body['bolt11']);
      expect(paid).toMatchObject({
        status: 201,
        body: { amount: 7000, status: 'failed', wallet_id: server.theirs.id },
      });
      expect((await get(hash, server.ours.inkey)).status).toBe(404);
    });

    test('pushes go to whoever listens and come from whoever speaks', async () => {
      const { body } = await create();
      const heard: { topic: string; message: string }[] = [];
      const topics = [server.ours.inkey, String(body['payment_hash']), 'anything'];
      const sockets = topics.map((topic) => new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/ws/${topic}`));
      sockets.forEach((socket, i) =>
        socket.on('message', (data: Buffer) => heard.push({ topic: topics[i] ?? '', message: data.toString() })),
      );
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('open', resolve))));
      await pay(body['bolt11'], server.theirs);
      await call('POST', '/api/v1/ws/anything?data=said');
      await call('GET', '/api/v1/ws/anything/heard');
      const onTopic = (topic: string): string[] =>
        heard.filter((entry) => entry.topic === topic).map((entry) => entry.message);
      const twice = server.profile === '1.6' ? 2 : 1;
      await expect.poll(() => onTopic('anything'), { timeout: 5000 }).toEqual(['said', 'heard']);
      // From 1.5.5 on they come twice: at least so many.
      await expect.poll(() => onTopic(server.ours.inkey).length, { timeout: 5000 }).toBeGreaterThanOrEqual(twice);
      await expect.poll(() => onTopic(topics[1] ?? '').length, { timeout: 5000 }).toBeGreaterThanOrEqual(twice + 1);
      const first = JSON.parse(onTopic(server.ours.inkey)[0] ?? '{}') as { wallet_balance?: number; payment?: object };
      expect(first.payment).toMatchObject({ payment_hash: body['payment_hash'], status: 'success', amount: 7000 });
      expect(first.wallet_balance).toBe(Math.floor((await balance(server.ours)) / 1000));
      expect(JSON.parse(onTopic(topics[1] ?? '')[0] ?? '{}')).toEqual({ pending: false, status: 'success' });
      for (const socket of sockets) socket.terminate();
    });
  });
}
