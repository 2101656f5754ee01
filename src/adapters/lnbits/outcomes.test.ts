import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SendAnswer } from '../../ports/wallet.ts';
import { incomingStatus, isConfirmedDead, outgoingStatus, sendAnswer, walletRow } from './outcomes.ts';
import { paymentShape, type Payment } from './shapes.ts';

const PREIMAGE = '01'.repeat(32);
const HASH = createHash('sha256').update(Buffer.from(PREIMAGE, 'hex')).digest('hex');

const json = {
  payment_hash: HASH,
  wallet_id: 'ours',
  amount: -10_500,
  fee: -1_200,
  status: 'success',
  preimage: PREIMAGE,
  extra: { timmy_debts: 'R-1' },
  time: '2026-11-23T20:33:04.123456+00:00',
  updated_at: '2026-11-23T20:34:05.654321+00:00',
};
const row = (change: Record<string, unknown> = {}): Payment => paymentShape.parse({ ...json, ...change });
const answer = (status: number, body: unknown): SendAnswer | null =>
  sendAnswer({ status, json: body }, HASH, (walletId) => walletId === 'ours');
const problem = (detail: unknown, status?: string): unknown => (status === undefined ? { detail } : { detail, status });

describe('what LNbits says of a payment', () => {
  test('paid only with a success row and `paid`', () => {
    expect(outgoingStatus(true, row())).toEqual({ state: 'paid', feeMsats: 1_200n, preimage: PREIMAGE });
    expect(outgoingStatus(false, row())).toEqual({ state: 'unknown' });
    expect(outgoingStatus(false, row({ status: 'pending' }))).toEqual({ state: 'unknown' });
    expect(outgoingStatus(true, row({ status: 'pending' }))).toEqual({ state: 'unknown' });
    expect(outgoingStatus(false, row({ status: 'failed' }))).toEqual({ state: 'failed' });
  });

  test.each([null, '', '0'.repeat(64), 'ff'.repeat(32), PREIMAGE.toUpperCase().replace('0', 'A')])(
    'a preimage that does not fit its hash is none',
    (preimage) => {
      expect(outgoingStatus(true, row({ preimage }))).toMatchObject({ state: 'paid', preimage: null });
    },
  );

  test('an incoming row that failed is no proof that nobody paid', () => {
    const incoming = { amount: 10_500, fee: 0 };
    expect(incomingStatus(false, row({ ...incoming, status: 'failed' }))).toEqual({ state: 'lapsed' });
    expect(incomingStatus(false, row({ ...incoming, status: 'pending' }))).toEqual({ state: 'open' });
    expect(incomingStatus(false, row(incoming))).toEqual({ state: 'open' });
    expect(incomingStatus(true, row(incoming))).toEqual({ state: 'paid', amountMsats: 10_500n, preimage: PREIMAGE });
  });
});

describe('what an answer to a pay call is worth', () => {
  test.each<[string, number, unknown, SendAnswer | null]>([
    ['our row, paid', 201, json, { answer: 'accepted' }],
    ['our row, pending', 201, { ...json, status: 'pending' }, { answer: 'accepted' }],
    ['our row, failed before', 201, { ...json, status: 'failed' }, { answer: 'accepted' }],
    ["the payee's row", 201, { ...json, amount: 10_500 }, { answer: 'refused', why: 'internal' }],
    ['a row of another wallet', 201, { ...json, wallet_id: 'theirs' }, { answer: 'refused', why: 'internal' }],
    ['a row of another hash', 201, { ...json, payment_hash: '00'.repeat(32) }, { answer: 'refused', why: 'internal' }],
    ['an amount that is none', 201, { ...json, amount: -1.5 }, null],
    ['no JSON', 201, undefined, null],
    ['still pending', 520, problem('Payment is still pending.', 'pending'), { answer: 'accepted' }],
    ['failed at the node', 520, problem('Payment failed: no_route', 'failed'), { answer: 'accepted' }],
    ['a text that we do not know', 520, problem('Something new.', 'failed'), { answer: 'accepted' }],
    ['paid before', 520, problem('Payment already paid.', 'success'), { answer: 'refused', why: 'internal' }],
    [
      'paid before, inside',
      520,
      problem('Internal invoice already paid.', 'failed'),
      { answer: 'refused', why: 'internal' },
    ],
    [
      'found paid',
      520,
      problem('Failed payment was already paid on the fundingsource.', 'success'),
      { answer: 'refused', why: 'internal' },
    ],
    ['empty', 520, problem('Insufficient balance.', 'failed'), { answer: 'refused', why: 'insufficient' }],
    [
      'no reserve',
      520,
      problem('You must reserve at least (2  sat) to cover potential routing fees.', 'failed'),
      { answer: 'refused', why: 'insufficient' },
    ],
    [
      'too soon',
      520,
      problem('The time limit of 5 seconds between payments has been reached.', 'failed'),
      { answer: 'refused', why: 'limit' },
    ],
    [
      'too much today',
      400,
      problem('Daily withdrawal limit of 100 sats reached.'),
      { answer: 'refused', why: 'limit' },
    ],
    ['not validated', 400, problem([{ loc: ['body'] }]), { answer: 'refused', why: 'invalid' }],
    ['undecodable', 520, problem('Bolt11 decoding failed.', 'failed'), { answer: 'refused', why: 'invalid' }],
    ['unhandled error', 500, problem('Unexpected error! ID: 1'), null],
    ['gateway', 502, undefined, null],
    ['HTML with 200', 200, undefined, null],
  ])('%s', (_, status, body, expected) => {
    expect(answer(status, body)).toEqual(expected);
  });

  test('only one sentence of LNbits proves a payment dead', () => {
    const dead = problem('Payment is failed node, retrying is not possible.', 'failed');
    expect(isConfirmedDead({ status: 520, json: dead })).toBe(true);
    expect(isConfirmedDead({ status: 500, json: dead })).toBe(false);
    expect(isConfirmedDead({ status: 201, json: { ...json, status: 'failed' } })).toBe(false);
    expect(isConfirmedDead({ status: 520, json: problem('Payment failed: no_route', 'failed') })).toBe(false);
  });

  test('no answer whatever makes it throw', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.anything(), (status, body) => {
        const judged = answer(status, body);
        expect(judged === null || 'answer' in judged).toBe(true);
      }),
    );
  });
});

test('a row for reconciliation', () => {
  expect(walletRow(row())).toEqual({
    paymentHash: HASH,
    direction: 'out',
    state: 'paid',
    amountMsats: 10_500n,
    feeMsats: 1_200n,
    createdAt: 1_795_465_984,
    changedAt: 1_795_466_045,
    label: 'R-1',
  });
  expect(walletRow(row({ amount: 5, fee: 0, extra: null, time: 17 }))).toMatchObject({
    direction: 'in',
    label: null,
    createdAt: 17,
  });
  expect(walletRow(row({ amount: 0 }))).toBeNull();
  expect(walletRow(row({ time: 'yesterday' }))).toBeNull();
});
