import { decodeInvoice, type Invoice } from '../../../src/bolt11/index.ts';
import { invalid, paymentJson, problem, type Answer, type Profile } from './answers.ts';
import type { Books, FakeWallet, Row } from './books.ts';
import type { After, PayAnswer, ScriptedNode } from './node.ts';
import type { Push } from './push.ts';

/** Settings of the LNbits instance, as its operator would set them. */
export interface Instance {
  /** `LNBITS_FUNDING_SOURCE_PAY_INVOICE_WAIT_SECONDS`, in ms; 5,000 there. */
  payWaitMs: number;
  /** A service-fee wallet is set. */
  serviceFee: boolean;
  onlyIncoming: boolean;
  secondsBetween: number;
  dailyLimitSats: number | null;
}

export interface World {
  readonly profile: Profile;
  readonly books: Books;
  readonly node: ScriptedNode;
  readonly push: Push;
  readonly instance: Instance;
  readonly now: () => number;
  readonly after: After;
  /** Told of each payment that is about to be sent, before the node is. */
  readonly onPay: (wallet: FakeWallet, invoice: Invoice, extra: Record<string, unknown>) => void;
}

type Body = Record<string, unknown>;

const MAX_SATS = 10_000_000;
const SITE_TITLE = 'LNbits';

/** `POST /payments` with `out: false` (`core/services/payments.py`). */
export function createInvoice(world: World, wallet: FakeWallet, body: Body): Answer {
  const { books, node, profile, now } = world;
  const unit = body['unit'] ?? 'sat';
  if (typeof unit !== 'string' || !/^(sat|[A-Z]{3})$/.test(unit)) {
    return invalid('unit', 'The provided unit is not supported');
  }
  if (unit !== 'sat') return problem(400, `Could not get exchange rate for ${unit}.`);
  if (body['amount'] === undefined || body['amount'] === null) return problem(500, 'Unexpected error! ID: 00000001');
  const amount = Number(body['amount']);
  if (!Number.isFinite(amount) || amount < 0)
    return invalid('amount', 'ensure this value is greater than or equal to 0');
  const memo = typeof body['memo'] === 'string' && body['memo'] !== '' ? body['memo'] : SITE_TITLE;
  if (memo.length > 640) return invalid('memo', 'ensure this value has at most 640 characters');
  const expiry = Number(body['expiry'] ?? 0);
  if (expiry < 0) return problem(500, 'Unexpected error! ID: 00000002');
  const externalId = profile === '1.6' && typeof body['external_id'] === 'string' ? body['external_id'] : null;
  if (externalId !== null && (externalId.length > 256 || /[\s]/.test(externalId))) return invalid('external_id', 'bad');
  if (amount === 0) return problem(520, 'Amountless invoices not supported.', 'failed');
  if (amount > MAX_SATS) {
    return problem(
      520,
      `Invoice amount ${Math.floor(amount)} sats is too high. Max allowed: ${MAX_SATS} sats.`,
      'failed',
    );
  }
  if (Buffer.byteLength(memo) > 639) return problem(400, 'data too long for the description field');
  const expirySeconds = expiry === 0 ? 3600 : Math.floor(expiry);
  const msats = Math.floor(amount) * 1000;
  let issued: ReturnType<ScriptedNode['issue']>;
  try {
    issued = node.issue(msats === 0 ? null : msats, memo, expirySeconds);
  } catch (error) {
    return problem(520, error instanceof Error ? error.message : 'node', 'pending');
  }
  const at = now();
  const row = books.insert({
    checkingId: issued.paymentHash,
    paymentHash: issued.paymentHash,
    walletId: books.sourceOf(wallet),
    amount: msats,
    fee: 0,
    bolt11: issued.bolt11,
    status: 'pending',
    memo,
    expiry: Math.floor(at) + expirySeconds,
    preimage: issued.preimage,
    extra: isObject(body['extra']) ? { ...body['extra'] } : {},
    labels: stringList(body['labels']),
    externalId,
    webhook: typeof body['webhook'] === 'string' ? body['webhook'] : null,
    time: at,
    updatedAt: at,
  });
  return { status: 201, body: paymentJson(row, profile, true) };
}

/** `POST /payments` with `out: true`: the order of the checks is LNbits' own (`core/services/payments.py`). */
export async function payInvoice(world: World, wallet: FakeWallet, body: Body): Promise<Answer> {
  const { books, instance, now } = world;
  const text = body['bolt11'];
  if (typeof text !== 'string' || text === '') return problem(400, 'Missing BOLT11 invoice');
  if (instance.onlyIncoming) return problem(520, 'Only incoming payments allowed.', 'failed');
  const invoice = /\s|^lightning:/i.test(text) ? { invalid: 'bech32' } : decodeInvoice(text);
  if ('invalid' in invoice) return problem(520, 'Bolt11 decoding failed.', 'failed');
  if (invoice.amountMsats === null) return problem(520, 'Amountless invoices not supported.', 'failed');
  const amount = Number(invoice.amountMsats);
  if (amount > MAX_SATS * 1000) {
    return problem(520, `Invoice amount ${amount / 1000} sats is too high. Max allowed: ${MAX_SATS} sats.`, 'failed');
  }
  const walletId = books.sourceOf(wallet);
  const limit = overLimit(world, walletId, amount);
  if (limit !== null) return limit;

  const rows = books.rows.filter((row) => row.paymentHash === invoice.paymentHash);
  const ours = rows.find((row) => row.amount < 0 && row.walletId === walletId);
  const externalAgain = instance.serviceFee && ours !== undefined;
  if (externalAgain || rows.some((row) => row.amount > 0 && row.status === 'success')) {
    return problem(520, 'Internal invoice already paid.', 'failed');
  }
  const extra = isObject(body['extra']) ? { ...body['extra'] } : {};
  const draft = {
    paymentHash: invoice.paymentHash,
    walletId,
    amount: -amount,
    bolt11: invoice.text,
    memo: invoice.description ?? '',
    expiry: invoice.expiresAt,
    extra,
    labels: stringList(body['labels']),
    externalId: world.profile === '1.6' && typeof body['external_id'] === 'string' ? body['external_id'] : null,
    webhook: null,
    time: now(),
    updatedAt: now(),
  };
  const balance = books.balance(walletId);
  const payee = rows.find((row) => row.amount > 0 && row.status === 'pending');
  if (payee !== undefined) {
    if (payee.amount !== amount || payee.bolt11 !== invoice.text) {
      return problem(520, 'Invalid invoice. Bolt11 changed.', 'failed');
    }
    if (balance < amount) return problem(520, 'Insufficient balance.', 'failed');
    world.onPay(wallet, invoice, extra);
    return payInternally(world, payee, { ...draft, checkingId: `internal_${invoice.paymentHash}` });
  }
  if (balance < amount) return problem(520, 'Insufficient balance.', 'failed');
  const reserve = feeReserve(amount);
  if (balance < amount + reserve) {
    return problem(
      520,
      `You must reserve at least (${Math.ceil(reserve / 1000)}  sat) to cover potential routing fees.`,
      'failed',
    );
  }
  const existing = rows[0];
  if (existing !== undefined) return repost(world, existing);
  world.onPay(wallet, invoice, extra);
  const row = books.insert({
    ...draft,
    checkingId: invoice.paymentHash,
    fee: -reserve,
    status: 'pending',
    preimage: null,
  });
  return sendToNode(world, row);
}

/** Asks the node about a pending row, as GET, `recheck_pending` and the sweep do. @throws when the node cannot be asked. */
export async function refresh(world: World, row: Row): Promise<void> {
  if (row.status !== 'pending') return;
  const { books, node, now, profile } = world;
  if (row.amount > 0) {
    if (profile === '1.6' && row.expiry !== null && row.expiry <= now()) {
      // 1.6 does not ask the node here, paid or not.
      row.labels.push('expired');
      return books.change(row, { status: 'failed' }, now());
    }
    const status = node.incomingStatus(row.paymentHash);
    if (status !== 'pending') books.change(row, { status: status === 'paid' ? 'success' : 'failed' }, now());
    return;
  }
  const { status, feeMsats, preimage } = await node.outgoingStatus(row.paymentHash);
  if (row.status !== 'pending') return;
  if (status === 'paid') books.change(row, { status: 'success', fee: 0 - feeMsats, preimage }, now());
  else if (status === 'failed') books.change(row, { status: 'failed' }, now());
}

/** The node's stream says that an invoice was paid. A late one turns even a failed row. */
export function incomingEvent(world: World, paymentHash: string): void {
  const { books, node, now, profile } = world;
  const row = books.rows.find((candidate) => candidate.paymentHash === paymentHash && candidate.amount > 0);
  if (row === undefined || row.status === 'success') return;
  if (profile === '1.6' && node.incomingStatus(paymentHash) !== 'paid') return;
  books.change(row, { status: 'success' }, now());
  announce(world, row, 1);
  world.push.announce(paymentHash, { pending: false, status: 'success' });
}

export function feeReserve(amountMsats: number): number {
  return Math.max(2000, Math.floor(amountMsats / 100));
}

function overLimit(world: World, walletId: string, amount: number): Answer | null {
  const { books, instance, now } = world;
  const out = books.rows.filter((row) => row.walletId === walletId && row.amount < 0 && row.status !== 'failed');
  if (instance.secondsBetween > 0 && out.some((row) => row.time > now() - instance.secondsBetween)) {
    return problem(
      520,
      `The time limit of ${instance.secondsBetween} seconds between payments has been reached.`,
      'failed',
    );
  }
  const today = out.filter((row) => row.time > now() - 86_400).reduce((sum, row) => sum - row.amount, 0);
  if (instance.dailyLimitSats !== null && today + amount > instance.dailyLimitSats * 1000) {
    return problem(400, `Daily withdrawal limit of ${instance.dailyLimitSats} sats reached.`);
  }
  return null;
}

function payInternally(world: World, payee: Row, draft: Omit<Row, 'fee' | 'status' | 'preimage'>): Answer {
  const { books, profile, push, now } = world;
  const row = books.insert({ ...draft, fee: 0, status: 'success', preimage: payee.preimage });
  books.change(payee, { status: 'success' }, now());
  announce(world, row, 1);
  announce(world, payee, profile === '1.6' ? 2 : 1);
  push.announce(row.paymentHash, { pending: false, status: 'success' }, profile === '1.6' ? 3 : 2);
  return { status: 201, body: paymentJson(row, profile, true) };
}

/** A hash that the instance knows already is never sent again: the answer depends on the row, whoever's it is. */
async function repost(world: World, row: Row): Promise<Answer> {
  if (row.status === 'pending') return problem(520, 'Payment is still pending.', 'pending');
  if (row.status === 'success') return problem(520, 'Payment already paid.', 'success');
  const { books, node, now, profile } = world;
  try {
    const status =
      row.amount > 0
        ? { status: node.incomingStatus(row.paymentHash), feeMsats: 0, preimage: row.preimage }
        : await node.outgoingStatus(row.paymentHash);
    if (status.status === 'paid') {
      const fee = 0 - status.feeMsats;
      books.change(row, { status: 'success', fee, preimage: status.preimage }, now());
      return problem(520, 'Failed payment was already paid on the fundingsource.', 'success');
    }
    if (status.status === 'failed') return problem(520, 'Payment is failed node, retrying is not possible.', 'failed');
  } catch {
    return problem(500, 'Unexpected error! ID: 00000003');
  }
  return { status: 201, body: paymentJson(row, profile, true) };
}

async function sendToNode(world: World, row: Row): Promise<Answer> {
  const { books, node, now, profile, instance } = world;
  let answer: PayAnswer | 'timeout';
  try {
    answer = await withinWait(node.pay(row.bolt11), instance.payWaitMs, world.after);
  } catch {
    return problem(500, 'Unexpected error! ID: 00000004');
  }
  const pending = (): Answer => ({ status: 201, body: paymentJson(row, profile, true) });
  if (answer === 'timeout') return pending();
  if (profile === '1.6' && answer.ownId !== undefined) books.change(row, { checkingId: answer.ownId }, now());
  if (answer.ok === true) {
    books.change(row, { status: 'success', fee: 0 - answer.feeMsats, preimage: answer.preimage }, now());
    announce(world, row, 1);
    world.push.announce(row.paymentHash, { pending: false, status: 'success' });
    return { status: 201, body: paymentJson(row, profile, true) };
  }
  // 1.2 to 1.5 book an unknown outcome as failed, though the node may still pay; a plain "in flight" is pending in both.
  if (answer.ok === null && (profile === '1.6' || answer.reason === 'in_flight')) return pending();
  books.change(row, { status: 'failed' }, now());
  return problem(520, `Payment failed: ${answer.reason}`, 'failed');
}

/** LNbits lets go of the node's call after its wait time; the node goes on regardless. */
function withinWait(call: Promise<PayAnswer>, ms: number, after: After): Promise<PayAnswer | 'timeout'> {
  call.catch(() => undefined);
  return Promise.race([call, new Promise<'timeout'>((resolve) => after(ms, () => resolve('timeout')))]);
}

function announce(world: World, row: Row, times: number): void {
  const wallet = world.books.wallets.find((candidate) => candidate.id === row.walletId);
  if (wallet === undefined) return;
  const message = {
    wallet_balance: Math.floor(world.books.balance(wallet.id) / 1000),
    payment: paymentJson(row, world.profile, false),
  };
  world.push.announce(wallet.inkey, message, times);
  world.push.announce(wallet.adminkey, message, times);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stringList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
