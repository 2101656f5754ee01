import { decodeInvoice } from '../../../src/bolt11/index.ts';
import { invalid, paymentJson, problem, type Answer } from './answers.ts';
import type { FakeWallet, Row, RowStatus } from './books.ts';
import { listPayments } from './lists.ts';
import { createInvoice, feeReserve, payInvoice, refresh, type World } from './payments.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headerKey: string | undefined;
  readonly body: string;
}

/** Runs its work while nobody else holds the one lock of the database. */
export type WithLock = <T>(work: () => Promise<T>) => Promise<T>;

/** Which key a request came with; `none` also covers keys that nobody has. */
export interface Caller {
  readonly wallet: FakeWallet;
  readonly admin: boolean;
}

const VERSION = { '1.5': '1.5.2', '1.6': '1.6.2' } as const;

/** Everything that LNbits answers, as far as a client of wallets sees it. Locked like the database: one at a time. */
export async function route(world: World, request: Request, withLock: WithLock): Promise<Answer> {
  const { method, path } = request;
  if (path === '/api/v1/health') return { status: 200, body: { server_time: Math.floor(world.now()), up_time: '0h' } };
  if (path === '/openapi.json')
    return { status: 200, body: { openapi: '3.1.0', info: { title: 'LNbits API', version: VERSION[world.profile] } } };
  if (path.length > 1 && path.endsWith('/')) return { status: 307, body: '' };
  if (path.startsWith('/api/v1/ws/')) return publish(world, request);
  if (path.startsWith('/api/v1/rate/')) return { status: 200, body: { rate: 0, price: 0 } };
  if (method === 'POST' && path === '/api/v1/payments/decode') return decode(request);
  const hash = /^\/api\/v1\/payments\/([^/]+)$/.exec(path)?.[1];
  if (method === 'GET' && hash !== undefined && !['paginated', 'fee-reserve'].includes(hash)) {
    // It waits its turn like all else, but a node that is slow to answer it holds nobody up.
    await withLock(() => Promise.resolve());
    return await getPayment(world, request, hash);
  }
  return await withLock(() => routeWithKey(world, request));
}

/** `callerOf` by header or (nowhere but in the fake's own log of sins) by query. */
export function callerOf(world: World, request: Request): Caller | null {
  const key = request.headerKey ?? request.query.get('api-key') ?? '';
  return world.books.byKey(key);
}

async function routeWithKey(world: World, request: Request): Promise<Answer> {
  const { method, path } = request;
  const known = [
    '/api/v1/wallet',
    '/api/v1/payments',
    '/api/v1/payments/paginated',
    '/api/v1/payments/fee-reserve',
    '/api/v1/payments/lnurl',
  ];
  if (!known.includes(path)) return problem(404, 'Not Found');
  const isList = path === '/api/v1/payments' || path === '/api/v1/payments/paginated';
  if (isList && method !== 'GET' && !(method === 'POST' && path === '/api/v1/payments'))
    return problem(405, 'Method Not Allowed');
  const body = method === 'POST' ? parseBody(request.body) : {};
  if (body === null) return invalid('body', 'Expecting value', 'value_error.jsondecode');
  if (request.headerKey === undefined && !request.query.has('api-key')) return problem(401, 'No Api Key provided.');
  const caller = callerOf(world, request);
  if (caller === null) return problem(404, 'Wallet not found.');
  const { wallet, admin } = caller;
  if (path === '/api/v1/wallet') {
    const balance = world.books.balance(world.books.sourceOf(wallet));
    return {
      status: 200,
      body: admin ? { id: wallet.id, name: wallet.name, balance } : { name: wallet.name, balance },
    };
  }
  if (path === '/api/v1/payments/lnurl')
    return problem(admin ? 400 : 403, admin ? 'Invalid LNURL.' : 'Invalid adminkey.');
  if (path === '/api/v1/payments/fee-reserve') return quoteReserve(request);
  if (method === 'GET') return await listPayments(world, wallet, request.query, path.endsWith('paginated'));
  if (body['out'] !== false) {
    if (!admin) return problem(403, 'Invoice (or Admin) key required.');
    return await payInvoice(world, wallet, body);
  }
  return createInvoice(world, wallet, body);
}

/** Read afresh: `refresh` may have changed it. */
const statusOf = (row: Row): RowStatus => row.status;

/** `GET /payments/{hash}`: the smallest amount wins, a key that nobody has counts as none. */
async function getPayment(world: World, request: Request, id: string): Promise<Answer> {
  const caller = request.headerKey === undefined ? null : world.books.byKey(request.headerKey);
  const mine = (row: Row): boolean => caller === null || row.walletId === world.books.sourceOf(caller.wallet);
  const row = world.books.rows
    .filter((candidate) => (candidate.checkingId === id || candidate.paymentHash === id) && mine(candidate))
    .sort((a, b) => a.amount - b.amount)[0];
  if (row === undefined) return problem(404, 'Payment does not exist.');
  const details = (): Record<string, unknown> =>
    caller === null || caller.wallet.sharedFrom !== undefined
      ? {}
      : { details: paymentJson(row, world.profile, false) };
  if (row.status === 'success') return { status: 200, body: { paid: true, preimage: row.preimage, ...details() } };
  if (row.status === 'failed') return { status: 200, body: { paid: false, status: 'failed', ...details() } };
  try {
    await refresh(world, row);
  } catch {
    return { status: 200, body: { paid: false, ...details() } };
  }
  const paid = statusOf(row) === 'success';
  const preimage = paid || (world.profile === '1.5' && statusOf(row) === 'pending') ? row.preimage : null;
  if (caller === null) return { status: 200, body: { paid, preimage } };
  return { status: 200, body: { paid, status: statusOf(row), preimage, ...details() } };
}

function publish(world: World, request: Request): Answer {
  const [, id = '', inPath] = /^\/api\/v1\/ws\/([^/]+)(?:\/(.*))?$/.exec(request.path) ?? [];
  const data =
    request.method === 'POST' ? request.query.get('data') : inPath === undefined ? null : decodeURIComponent(inPath);
  if (data === null) return problem(400, 'data');
  world.push.publish(id, data);
  return { status: 200, body: { sent: true, data } };
}

function decode(request: Request): Answer {
  const data = parseBody(request.body)?.['data'];
  const invoice = decodeInvoice(typeof data === 'string' ? data : '');
  if ('invalid' in invoice) return { status: 400, body: { message: 'Failed to decode' } };
  return {
    status: 200,
    body: {
      payment_hash: invoice.paymentHash,
      amount_msat: Number(invoice.amountMsats ?? 0n),
      date: invoice.timestamp,
      expiry: invoice.expirySeconds,
      description: invoice.description,
      payee: invoice.payee,
    },
  };
}

function quoteReserve(request: Request): Answer {
  const invoice = decodeInvoice(request.query.get('invoice') ?? '');
  if ('invalid' in invoice) return problem(500, 'Unexpected error! ID: 00000005');
  if (invoice.amountMsats === null) return problem(400, 'Invoice has no amount.');
  return { status: 200, body: { fee_reserve: feeReserve(Number(invoice.amountMsats)) } };
}

function parseBody(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
