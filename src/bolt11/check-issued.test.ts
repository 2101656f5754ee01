import { expect, test } from 'vitest';
import { unixSeconds } from '../lib/units.ts';
import { checkIssued, type AskedInvoice, type IssuedMismatch } from './check-issued.ts';
import { encodeInvoice, type InvoiceDraft } from './encode.ts';
import { payeeOf } from './signature.ts';

const NODE = Buffer.alloc(32, 7);
const NOW = unixSeconds(1_795_000_000);
const asked: AskedInvoice = {
  amountMsats: 129_000n,
  network: 'bitcoin',
  paymentHash: 'ab'.repeat(32),
  expirySeconds: 3600,
  now: NOW,
  payee: payeeOf(NODE),
};
const draft: InvoiceDraft = {
  network: 'bitcoin',
  amountMsats: 129_000n,
  timestamp: NOW,
  expirySeconds: 3600,
  description: 'Timmy J-4KQ7M work',
  paymentHash: asked.paymentHash,
  paymentSecret: 'cd'.repeat(32),
};

test('takes exactly what was asked for, from a node it knows or meets for the first time', () => {
  const bolt11 = encodeInvoice(draft, NODE);
  expect(checkIssued(bolt11, asked)).toHaveProperty('invoice.text', bolt11);
  expect(checkIssued(bolt11, { ...asked, payee: null })).toHaveProperty('invoice');
  expect(checkIssued(encodeInvoice({ ...draft, expirySeconds: 3596 }, NODE), asked)).toHaveProperty('invoice');
  expect(checkIssued(encodeInvoice({ ...draft, timestamp: unixSeconds(NOW - 20) }, NODE), asked)).toHaveProperty(
    'invoice',
  );
});

test.each<[IssuedMismatch, Partial<InvoiceDraft>]>([
  ['amount', { amountMsats: 128_000n }],
  ['amount', { amountMsats: 129_001n }],
  ['amount', { amountMsats: null }],
  ['network', { network: 'regtest' }],
  ['payment_hash', { paymentHash: 'ac'.repeat(32) }],
  ['expiry', { expirySeconds: 600 }],
  ['expired', { timestamp: unixSeconds(NOW - 3600) }],
  ['expired', { timestamp: unixSeconds(NOW + 3600) }],
])('refuses another %s than asked', (mismatch, change) => {
  expect(checkIssued(encodeInvoice({ ...draft, ...change }, NODE), asked)).toEqual({ mismatch });
});

test('refuses another payee than the node we know, and what is no invoice', () => {
  expect(checkIssued(encodeInvoice(draft, Buffer.alloc(32, 8)), asked)).toEqual({ mismatch: 'payee' });
  expect(checkIssued('lnbc1nonsense', asked)).toEqual({ mismatch: 'malformed' });
});
