import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import type { Secret } from '../../lib/secret.ts';
import { msats, type UnixSeconds } from '../../lib/units.ts';
import type {
  FailureProof,
  IncomingStatus,
  InvoiceRequest,
  IssuedInvoice,
  Network,
  OutgoingStatus,
  Recheck,
  SendAnswer,
  Wallet,
  WalletContact,
  WalletPage,
  WalletRow,
} from '../../ports/wallet.ts';
import { decodeInvoice } from '../../bolt11/index.ts';
import { jsonSender, Pace, type Urgency } from '../http/index.ts';
import { LnbitsApi } from './api.ts';
import { identifyWallet, readVersion } from './first-contact.ts';
import { Hints } from './hints.ts';
import { incomingStatus, isConfirmedDead, outgoingStatus, sendAnswer, walletRow } from './outcomes.ts';

import { issuedShape, lookupShape, pageShape, paymentShape, walletShape, type Payment } from './shapes.ts';

export interface LnbitsWalletOptions {
  /** Without `/api`. */
  readonly url: string;
  /** `LNBITS_API_KEY`: an invoice key, or an admin key (found out at the first contact). */
  readonly invoiceKey: Secret;
  /** `LNBITS_ADMIN_KEY`: used for payments alone. */
  readonly adminKey: Secret | null;
  readonly network: Network;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** On average; default 2, which stays below LNbits' own limit of 200 a minute. Looks at a payment are not counted. */
  readonly callsPerSecond?: number;
}

/**
 * A wallet of an LNbits ≥ 1.4 (written against 1.5 and 1.6). `canPay` is final after the first `contact`: before it,
 * an admin key given as `invoiceKey` is not yet recognised. Nothing that LNbits says is believed beyond its own
 * wallet's rows: they must carry our wallet's id, the hash we asked for, and the sign of their direction.
 */
export function createLnbitsWallet(options: LnbitsWalletOptions): Wallet {
  return new LnbitsWallet(options);
}

/** Looks are cheap there, and each has a path (and a limit) of its own: so many for one call of another kind. */
const LOOKS_FOR_A_CALL = 10;
const LOOKS_AT_ONCE = 40;
const VERSION_GOOD_FOR_SECONDS = 3600;

class LnbitsWallet implements Wallet {
  readonly kind = 'lnbits';
  readonly network: Network;
  readonly #options: LnbitsWalletOptions;
  readonly #api: LnbitsApi;
  readonly #hints: Hints;
  #payKey: Secret | null;
  #walletId: string | null = null;
  #version: { text: string | null; readAt: UnixSeconds } | null = null;

  constructor(options: LnbitsWalletOptions) {
    this.#options = options;
    this.network = options.network;
    this.#payKey = options.adminKey;
    const { clock, callsPerSecond = 2 } = options;
    this.#api = new LnbitsApi(jsonSender('wallet', options.url, clock), {
      calls: new Pace('wallet', clock, callsPerSecond),
      looks: new Pace('wallet', clock, callsPerSecond * LOOKS_FOR_A_CALL, LOOKS_AT_ONCE),
    });
    this.#hints = new Hints(options.url, options);
  }

  get canPay(): boolean {
    return this.#payKey !== null;
  }

  /** The first contact also refuses what cannot work: LNbits < 1.4, a shared (mirror) wallet, two keys of two wallets. */
  async contact(signal: AbortSignal): Promise<WalletContact> {
    const version = await this.#freshVersion(signal);
    const { invoiceKey } = this.#options;
    const { id, balance } = await this.#api.read('/api/v1/wallet', invoiceKey, walletShape, signal);
    if (this.#walletId === null) {
      this.#walletId = await identifyWallet(this.#api, this.#options, id ?? null, signal);
      if (id !== undefined) this.#payKey ??= invoiceKey;
      // An admin key in a URL would land in logs: without an invoice key, each new invoice is listened to by itself.
      if (id === undefined) this.#hints.listenTo(invoiceKey.expose());
      else this.#hints.followEach();
    }
    return { walletId: this.#walletId, version, balanceMsats: msats(balance < 0n ? 0n : balance) };
  }

  async createInvoice(request: InvoiceRequest, signal: AbortSignal): Promise<IssuedInvoice> {
    const issued = await this.#issue(
      { amount: request.amountSats, memo: request.description, expiry: request.expirySeconds },
      { tag: 'timmy', timmy_intent: request.intentId },
      signal,
      request.isUrgent === true ? 'first' : 'other',
    );
    this.#hints.follow(issued.paymentHash, request.expirySeconds);
    return { bolt11: issued.bolt11, paymentHash: issued.paymentHash };
  }

  async lookupInvoice(paymentHash: string, signal: AbortSignal): Promise<IncomingStatus> {
    const found = await this.#find(paymentHash, false, signal);
    if (found === null) return { state: 'absent' };
    if (found.row.amount > 0n) return incomingStatus(found.paid, found.row);
    // A wallet that paid its own invoice is shown the outgoing row; the incoming one is in the list.
    const { rows } = await this.#page(`payment_hash=${paymentHash}&amount[gt]=0&limit=10`, signal);
    const incoming = rows.find((row) => row.amount > 0n && row.payment_hash === paymentHash);
    return incoming === undefined ? { state: 'absent' } : incomingStatus(true, incoming);
  }

  /** Makes an invoice of one sat that nobody is shown: LNbits needs its node for that. */
  async probeNode(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#issue(
        { amount: 1, memo: 'Timmy: is the node there?', expiry: 60 },
        { tag: 'timmy_probe' },
        signal,
        'payment',
      );
      return true;
    } catch (error) {
      if (error instanceof OutsideError && error.message === 'wallet.node_down') return false;
      throw error;
    }
  }

  async pay(bolt11: string, debtsLabel: string, signal: AbortSignal): Promise<SendAnswer> {
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice) return { answer: 'refused', why: 'invalid' };
    const answer = await this.#api.pay(
      invoice.text,
      { tag: 'timmy', timmy_debts: debtsLabel },
      this.#needPayKey(),
      signal,
    );
    const judged = sendAnswer(answer, invoice.paymentHash, (walletId) => this.#isOurs(walletId));
    if (judged === null) throw new OutsideError('unknown', `wallet.http_${answer.status}`);
    return judged;
  }

  async lookupPayment(paymentHash: string, signal: AbortSignal): Promise<OutgoingStatus> {
    const found = await this.#find(paymentHash, true, signal);
    if (found === null || found.row.amount > 0n) return { state: 'absent' };
    const status = outgoingStatus(found.paid, found.row);
    const claimed = found.row.preimage ?? '';
    if (status.state === 'paid' && status.preimage === null && /[1-9a-f]/.test(claimed)) {
      this.#options.log.warn('wallet.preimage_differs', { payment_hash: paymentHash.slice(0, 8) });
    }
    return status;
  }

  /**
   * Posts the same invoice again: LNbits never sends a hash twice, and asks its node about a failed one. One `dead`
   * is the node's word at one moment; ask twice, minutes apart, before the debt is freed: a payment just posted may not have reached the node yet.
   */
  async probeFailure(bolt11: string, paymentHash: string, signal: AbortSignal): Promise<FailureProof> {
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice || invoice.paymentHash !== paymentHash) throw new RangeError('invoice and hash differ');
    const before = await this.lookupPayment(paymentHash, signal);
    // Without a failed row of ours the post would send money.
    if (before.state !== 'failed') return before.state === 'paid' ? 'paid' : 'unproven';
    let dead = false;
    try {
      dead = isConfirmedDead(await this.#api.pay(invoice.text, {}, this.#needPayKey(), signal));
    } catch (error) {
      if (!(error instanceof OutsideError) || error.fault !== 'unknown') throw error;
    }
    const after = await this.lookupPayment(paymentHash, signal);
    if (after.state === 'paid') return 'paid';
    return dead && after.state === 'failed' ? 'dead' : 'unproven';
  }

  /**
   * Posts our own invoice as a payment: on a failed row LNbits sends nothing and asks its node instead, and a paid one
   * turns to success (its order of checks in `core/services/payments.py`). On a row still pending the post would pay it out of our own balance and fake a
   * payment, and one that this LNbits does not know would be paid for real: neither is ever posted.
   */
  async recheckInvoice(bolt11: string, paymentHash: string, signal: AbortSignal): Promise<Recheck> {
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice || invoice.paymentHash !== paymentHash) throw new RangeError('invoice and hash differ');
    const before = await this.lookupInvoice(paymentHash, signal);
    if (before.state !== 'lapsed' || this.#payKey === null) return { status: before, node: 'not_asked' };
    let node: Recheck['node'] = 'silent';
    try {
      const answer = await this.#api.pay(invoice.text, {}, this.#payKey, signal);
      const judged = sendAnswer(answer, paymentHash, (walletId) => this.#isOurs(walletId));
      if (isConfirmedDead(answer)) node = 'unpaid';
      else if (judged?.answer === 'refused' && judged.why === 'insufficient') node = 'insufficient';
    } catch (error) {
      if (!(error instanceof OutsideError) || error.fault !== 'unknown') throw error;
    }
    const status = await this.lookupInvoice(paymentHash, signal);
    return { status, node: status.state === 'paid' ? 'paid' : node };
  }

  /** `updated_at` moves with every change of a row, and can be sorted by but not filtered by. LNbits gives 1000 rows at most. */
  async changes(offset: number, limit: number, signal: AbortSignal): Promise<WalletPage> {
    const size = Math.min(1000, Math.max(1, limit));
    const query = `sortby=updated_at&direction=desc&limit=${size}&offset=${offset}`;
    const { rows, found } = await this.#page(query, signal);
    return { rows: rows.flatMap((row) => walletRow(row) ?? []), isLast: found < size };
  }

  async rowsOf(paymentHash: string, signal: AbortSignal): Promise<readonly WalletRow[]> {
    const { rows } = await this.#page(`payment_hash=${paymentHash}&limit=10`, signal);
    return rows.flatMap((row) => (row.payment_hash === paymentHash ? (walletRow(row) ?? []) : []));
  }

  /** Listens from the first `contact` on. */
  watch(hint: (paymentHash: string | null) => void): () => void {
    return this.#hints.watch(hint);
  }

  async #freshVersion(signal: AbortSignal): Promise<string | null> {
    const now = this.#options.clock.now();
    if (this.#version === null || now - this.#version.readAt > VERSION_GOOD_FOR_SECONDS) {
      this.#version = { text: await readVersion(this.#api, signal), readAt: now };
    }
    return this.#version.text;
  }

  async #issue(
    body: { amount: number; memo: string; expiry: number },
    extra: object,
    signal: AbortSignal,
    urgency: Urgency = 'other',
  ): Promise<{ bolt11: string; paymentHash: string }> {
    const issued = await this.#api.create({ ...body, extra }, this.#options.invoiceKey, issuedShape, signal, urgency);
    if (!this.#isOurs(issued.walletId)) throw new OutsideError('rejected', 'wallet.shared');
    return issued;
  }

  /** Our row of this hash; null when there is none and the key still opens its wallet (a dead key finds nothing either). */
  async #find(
    paymentHash: string,
    outgoing: boolean,
    signal: AbortSignal,
  ): Promise<{ paid: boolean; row: Payment } | null> {
    const { invoiceKey } = this.#options;
    const found = await this.#api.find(paymentHash, outgoing, invoiceKey, lookupShape, signal);
    if (found === null) {
      // A payout may wait for this answer: not behind strangers' invoices.
      await this.#api.read('/api/v1/wallet', invoiceKey, walletShape, signal, 'payment');
      return null;
    }
    // Without details we were answered as a stranger: the key is dead, or the wallet is another's.
    if (found.details === undefined) throw new OutsideError('rejected', 'wallet.bad_key');
    if (found.details.payment_hash !== paymentHash || found.details.amount === 0n)
      throw new OutsideError('unavailable', 'wallet.nonsense');
    if (!this.#isOurs(found.details.wallet_id)) throw new OutsideError('rejected', 'wallet.shared');
    return { paid: found.paid, row: found.details };
  }

  /** LNbits ignores filters that it does not understand and then answers with everything: callers check each row again. */
  async #page(query: string, signal: AbortSignal): Promise<{ rows: Payment[]; found: number }> {
    const page = await this.#api.read(
      `/api/v1/payments/paginated?${query}`,
      this.#options.invoiceKey,
      pageShape,
      signal,
    );
    const rows = page.data.flatMap((row) => {
      const parsed = paymentShape.safeParse(row);
      return parsed.success && this.#isOurs(parsed.data.wallet_id) ? [parsed.data] : [];
    });
    return { rows, found: page.data.length };
  }

  #isOurs(walletId: string): boolean {
    return this.#walletId === null || this.#walletId === walletId;
  }

  #needPayKey(): Secret {
    if (this.#payKey === null) throw new OutsideError('rejected', 'wallet.no_admin_key');
    return this.#payKey;
  }
}
