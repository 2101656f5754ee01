import { decodeInvoice, encodeInvoice } from '../../../bolt11/index.ts';
import type { Database } from '../../../db/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import { sha256Hex } from '../../../lib/hash.ts';
import type { Rng } from '../../../lib/rng.ts';
import { msats, plusSeconds, toMsats } from '../../../lib/units.ts';
import type { InvoiceRequest, IssuedInvoice, Network, SendAnswer, Wallet } from '../../../ports/wallet.ts';
import {
  balance,
  changedRows,
  hasPayment,
  loadIdentity,
  loadInvoice,
  paidSince,
  rowsOf,
  saveInvoice,
  savePayment,
  type StubIdentity,
} from './store.ts';

export interface StubWalletOptions {
  /** Migrated. */
  readonly database: Database;
  /** `regtest` unless the operator says otherwise. */
  readonly network: Network;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** How often another process's payments are looked for. */
const POLL_MS = 1000;
/** A payment bears the time at which its process began to write it, which may have waited for the lock. */
const LOOK_BACK_SECONDS = 10;

/**
 * A wallet without Lightning, for trying Timmy out. Its invoices are real, signed and
 * decodable; `payStubInvoice` pays them. Payouts succeed at once, cost nothing and have no preimage.
 */
export function createStubWallet(options: StubWalletOptions): Wallet {
  const { database, network, clock, rng } = options;
  const identity = database.write((tx) => loadIdentity(tx, rng));
  return {
    kind: 'stub',
    network,
    canPay: true,
    contact: async () => ({ walletId: identity.walletId, version: null, balanceMsats: balance(database.read) }),
    createInvoice: async (request) => issue(request, identity, options),
    lookupInvoice: async (paymentHash) => {
      const invoice = loadInvoice(database.read, paymentHash);
      if (invoice === null) return { state: 'absent' };
      if (invoice.paidAt === null) return { state: invoice.expiresAt > clock.now() ? 'open' : 'lapsed' };
      return { state: 'paid', amountMsats: invoice.amountMsats, preimage: invoice.preimage };
    },
    probeNode: async () => true,
    pay: async (bolt11, debtsLabel) => pay(bolt11, debtsLabel, options),
    lookupPayment: async (paymentHash) =>
      hasPayment(database.read, paymentHash)
        ? { state: 'paid', feeMsats: msats(0n), preimage: null }
        : { state: 'absent' },
    probeFailure: async (_bolt11, paymentHash) => (hasPayment(database.read, paymentHash) ? 'paid' : 'unproven'),
    changes: async (offset, limit) => {
      const rows = changedRows(database.read, offset, limit);
      return { rows, isLast: rows.length < limit };
    },
    rowsOf: async (paymentHash) => rowsOf(database.read, paymentHash),
    watch: (hint) => watch(hint, options),
  };
}

function issue(request: InvoiceRequest, identity: StubIdentity, options: StubWalletOptions): IssuedInvoice {
  const { database, network, clock, rng } = options;
  const preimage = Buffer.from(rng.bytes(32));
  const paymentHash = sha256Hex(preimage);
  const createdAt = clock.now();
  const amountMsats = toMsats(request.amountSats);
  const bolt11 = encodeInvoice(
    {
      network,
      amountMsats,
      timestamp: createdAt,
      expirySeconds: request.expirySeconds,
      description: request.description,
      paymentHash,
      paymentSecret: Buffer.from(rng.bytes(32)).toString('hex'),
    },
    identity.secretKey,
  );
  const invoice = {
    paymentHash,
    bolt11,
    amountMsats,
    preimage: preimage.toString('hex'),
    description: request.description,
    label: request.intentId,
    createdAt,
    expiresAt: plusSeconds(createdAt, request.expirySeconds),
    paidAt: null,
  };
  database.write((tx) => saveInvoice(tx, invoice));
  return { bolt11, paymentHash };
}

function pay(bolt11: string, debtsLabel: string, { database, clock }: StubWalletOptions): SendAnswer {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice || invoice.amountMsats === null) return { answer: 'refused', why: 'invalid' };
  const { text, paymentHash, amountMsats } = invoice;
  return database.write((tx): SendAnswer => {
    if (loadInvoice(tx, paymentHash) !== null) return { answer: 'refused', why: 'internal' };
    if (hasPayment(tx, paymentHash)) return { answer: 'accepted' };
    if (balance(tx) < amountMsats) return { answer: 'refused', why: 'insufficient' };
    savePayment(tx, { paymentHash, bolt11: text, amountMsats, label: debtsLabel, createdAt: clock.now() });
    return { answer: 'accepted' };
  });
}

/** Payments come from another process, which cannot tell us: once a second the last ten seconds are looked at. */
function watch(hint: (paymentHash: string | null) => void, { database, clock }: StubWalletOptions): () => void {
  const recentlyPaid = (): string[] => paidSince(database.read, plusSeconds(clock.now(), -LOOK_BACK_SECONDS));
  let told = new Set(recentlyPaid());
  let cancel = (): void => {};
  const look = (): void => {
    const paid = recentlyPaid();
    for (const paymentHash of paid) if (!told.has(paymentHash)) hint(paymentHash);
    told = new Set(paid);
    cancel = clock.after(POLL_MS, look);
  };
  cancel = clock.after(POLL_MS, look);
  return () => cancel();
}
