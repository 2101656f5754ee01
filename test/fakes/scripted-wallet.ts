import { decodeInvoice, encodeInvoice } from '../../src/bolt11/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import { msats, plusSeconds, type Msats } from '../../src/lib/units.ts';
import type {
  FailureProof,
  IncomingStatus,
  IssuedInvoice,
  OutgoingStatus,
  SendAnswer,
  Wallet,
  WalletRow,
} from '../../src/ports/wallet.ts';

interface Incoming {
  readonly expiresAt: number;
  paidMsats: bigint | null;
}

type Method = 'changes' | 'createInvoice' | 'lookupInvoice' | 'probeNode' | 'pay' | 'lookupPayment' | 'probeFailure';

/** A wallet by the port alone, that does as a test says and keeps books of its own: what really moved. */
export interface ScriptedWallet extends Wallet {
  /** True: nothing answers. */
  down: boolean;
  /** What the wallet holds, by its own books. */
  readonly holds: { msats: bigint };
  /** Every call, in order: `pay lnbcrt…`. */
  readonly calls: { readonly method: Method; readonly argument: string }[];
  /** The next call of this method throws or answers this instead of the truth. */
  next(method: Method, answer: OutsideError | ((real: unknown) => unknown)): void;
  /** Somebody pays an invoice of ours. */
  receive(paymentHash: string, msats?: bigint): void;
  /** What becomes of payments that are posted from now on: settled at once, held, or refused unposted. */
  route: 'settles' | 'holds' | 'insufficient' | 'internal';
  /** Ends a held payment. Only `settled` moves money. */
  end(paymentHash: string, how: 'settled' | 'failed'): void;
  /** The wallet forgets a payment that never went out. */
  forget(paymentHash: string): void;
  /** What probes of failed payments prove. */
  proof: FailureProof;
  posted(paymentHash: string): number;
}

export const FEE: Msats = msats(1234n);

export function createScriptedWallet(clock: Clock, openingMsats: bigint): ScriptedWallet {
  const nodeKey = Buffer.alloc(32, 7);
  const incoming = new Map<string, Incoming>();
  const outgoing = new Map<string, { status: OutgoingStatus; amountMsats: bigint; posts: number }>();
  /** A node that has proven a payment dead never settles it. */
  const dead = new Set<string>();
  const scripts = new Map<Method, (OutsideError | ((real: unknown) => unknown))[]>();
  const calls: ScriptedWallet['calls'] = [];
  let serial = 0;

  async function act<T>(method: Method, argument: string, real: () => T): Promise<T> {
    if (wallet.down) throw new OutsideError('unavailable', 'wallet.down');
    calls.push({ method, argument });
    const script = scripts.get(method)?.shift();
    if (script instanceof OutsideError) throw script;
    const answer = real();
    return script === undefined ? answer : (script(answer) as T);
  }

  const wallet: ScriptedWallet = {
    kind: 'lnbits',
    network: 'regtest',
    canPay: true,
    down: false,
    holds: { msats: openingMsats },
    calls,
    route: 'settles',
    proof: 'unproven',
    next: (method, answer) => void scripts.set(method, [...(scripts.get(method) ?? []), answer]),
    receive: (paymentHash, amount) => {
      const invoice = incoming.get(paymentHash);
      if (invoice?.paidMsats !== null) throw new Error('nothing to pay');
      invoice.paidMsats = amount ?? 0n;
      wallet.holds.msats += invoice.paidMsats;
    },
    end: (paymentHash, how) => {
      const payment = outgoing.get(paymentHash);
      if (payment === undefined || payment.status.state === 'paid' || dead.has(paymentHash)) {
        throw new Error('nothing to end');
      }
      payment.status =
        how === 'settled' ? { state: 'paid', feeMsats: FEE, preimage: 'ee'.repeat(32) } : { state: 'failed' };
      if (how === 'settled') wallet.holds.msats -= payment.amountMsats + FEE;
    },
    forget: (paymentHash) => void outgoing.delete(paymentHash),
    posted: (paymentHash) => outgoing.get(paymentHash)?.posts ?? 0,
    contact: async () => ({ walletId: 'w', version: null, balanceMsats: msats(wallet.holds.msats) }),
    createInvoice: (request) =>
      act('createInvoice', request.intentId, (): IssuedInvoice => {
        const paymentHash = sha256Hex(`invoice ${++serial}`);
        incoming.set(paymentHash, { expiresAt: plusSeconds(clock.now(), request.expirySeconds), paidMsats: null });
        return { paymentHash, bolt11: invoiceOf(paymentHash, request.amountSats, request.expirySeconds) };
      }),
    lookupInvoice: (paymentHash) =>
      act('lookupInvoice', paymentHash, (): IncomingStatus => {
        const invoice = incoming.get(paymentHash);
        if (invoice === undefined) return { state: 'absent' };
        if (invoice.paidMsats === null) return { state: invoice.expiresAt > clock.now() ? 'open' : 'lapsed' };
        return { state: 'paid', amountMsats: msats(invoice.paidMsats), preimage: null };
      }),
    probeNode: () => act('probeNode', '', () => true),
    pay: (bolt11) =>
      act('pay', bolt11, (): SendAnswer => {
        const invoice = decodeInvoice(bolt11);
        if ('invalid' in invoice || invoice.amountMsats === null) return { answer: 'refused', why: 'invalid' };
        if (wallet.route === 'insufficient' || wallet.route === 'internal') {
          return { answer: 'refused', why: wallet.route };
        }
        const { paymentHash, amountMsats } = invoice;
        const known = outgoing.get(paymentHash);
        // As LNbits and every node do: one hash is paid once, however often it is posted.
        if (known !== undefined) known.posts += 1;
        else outgoing.set(paymentHash, { status: { state: 'unknown' }, amountMsats, posts: 1 });
        if (known === undefined && wallet.route === 'settles') wallet.end(paymentHash, 'settled');
        return { answer: 'accepted' };
      }),
    lookupPayment: (paymentHash) =>
      act('lookupPayment', paymentHash, () => outgoing.get(paymentHash)?.status ?? { state: 'absent' }),
    probeFailure: (_bolt11, paymentHash) =>
      act('probeFailure', paymentHash, () => {
        const payment = outgoing.get(paymentHash);
        if (wallet.proof === 'paid' && payment?.status.state === 'failed') wallet.end(paymentHash, 'settled');
        if (wallet.proof === 'dead') dead.add(paymentHash);
        return wallet.proof;
      }),
    changes: (_offset, limit) =>
      act('changes', '', () => {
        const rows = [...incoming].flatMap(([paymentHash, { paidMsats }]): WalletRow[] =>
          paidMsats === null ? [] : [paidRow(paymentHash, paidMsats)],
        );
        return { rows: rows.slice(-limit), isLast: true };
      }),
    rowsOf: async () => [],
    watch: () => () => {},
  };

  function paidRow(paymentHash: string, amountMsats: bigint): WalletRow {
    const at = clock.now();
    return {
      paymentHash,
      direction: 'in',
      state: 'paid',
      amountMsats: msats(amountMsats),
      feeMsats: msats(0n),
      createdAt: at,
      changedAt: at,
      label: null,
    };
  }

  function invoiceOf(paymentHash: string, amountSats: number, expirySeconds: number): string {
    return encodeInvoice(
      {
        network: 'regtest',
        amountMsats: BigInt(amountSats) * 1000n,
        timestamp: clock.now(),
        expirySeconds,
        description: 'Timmy',
        paymentHash,
        paymentSecret: '11'.repeat(32),
      },
      nodeKey,
    );
  }

  return wallet;
}

/** A customer's invoice for exactly `amountSats`. */
export function customerInvoice(clock: Clock, amountSats: number, name: string, expirySeconds = 3600) {
  const paymentHash = sha256Hex(`customer ${name}`);
  const bolt11 = encodeInvoice(
    {
      network: 'regtest',
      amountMsats: BigInt(amountSats) * 1000n,
      timestamp: clock.now(),
      expirySeconds,
      description: 'change',
      paymentHash,
      paymentSecret: '22'.repeat(32),
    },
    Buffer.alloc(32, 9),
  );
  return { bolt11, paymentHash, expiresAt: plusSeconds(clock.now(), expirySeconds) };
}
