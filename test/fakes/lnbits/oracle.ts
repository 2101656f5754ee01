import type { Invoice } from '../../../src/bolt11/index.ts';
import type { FakeWallet } from './books.ts';
import type { World } from './payments.ts';
import { callerOf, type Request } from './routes.ts';

/** Which debts a payment serves: its client writes them into `extra.timmy_debts`, separated by commas or spaces. */
export function debtsOf(extra: Record<string, unknown>): string[] {
  return typeof extra['timmy_debts'] === 'string' ? extra['timmy_debts'].split(/[\s,]+/).filter(Boolean) : [];
}

/**
 * The judge of the client: collects what no honest client may do, at the moment it does it. The fake
 * alone knows the truth about each payment, so it alone can say that money was paid twice.
 */
export class Oracle {
  /** Set where the client has both keys: then the admin key may appear in payments alone. */
  strictKeys = false;
  readonly #world: World;
  readonly #sins: string[] = [];
  readonly #attempts: { hash: string; debts: string[] }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Looked at for each request, whether a fault swallows it or not. */
  onRequest(request: Request): void {
    const text = `${request.path}?${request.query.toString()}`;
    for (const { inkey, adminkey } of this.#world.books.wallets) {
      if ((text.includes(inkey) || text.includes(adminkey)) && !request.path.startsWith('/api/v1/ws/')) {
        this.#sins.push(`H5 key in the URL of ${request.method} ${request.path.slice(0, 24)}`);
      }
      if (text.includes(adminkey)) this.#sins.push('H5 admin key in a URL');
    }
    if (request.path === '/api/v1/payments/lnurl') this.#sins.push('H5 /payments/lnurl called');
    if (request.method !== 'POST' || request.path !== '/api/v1/payments') {
      this.#keyIsLeast(request, false);
      return;
    }
    let body: Record<string, unknown> = {};
    try {
      body = JSON.parse(request.body) as Record<string, unknown>;
    } catch {
      this.#sins.push('H5 body is no JSON');
    }
    if (typeof body['out'] !== 'boolean') this.#sins.push('H5 `out` left to its default');
    if (body['out'] === false && (!Number.isSafeInteger(body['amount']) || Number(body['amount']) < 1)) {
      this.#sins.push('H5 amount is not a whole number of sats');
    }
    this.#keyIsLeast(request, body['out'] !== false);
  }

  /** Looked at before money leaves. */
  onPay(wallet: FakeWallet, invoice: Invoice, extra: Record<string, unknown>): void {
    const { books, node } = this.#world;
    const debts = debtsOf(extra);
    const own = books.rows.some(
      (row) => row.paymentHash === invoice.paymentHash && row.amount > 0 && row.walletId === books.sourceOf(wallet),
    );
    if (own) this.#sins.push('H2 paid an invoice of its own wallet');
    for (const { hash, debts: earlier } of this.#attempts) {
      if (hash === invoice.paymentHash || !debts.some((debt) => earlier.includes(debt))) continue;
      if (this.#paid(hash)) this.#sins.push(`H2 debt ${debts.join()} paid again`);
      else if (node.mayStillSettle(hash))
        this.#sins.push(`H3 debt ${debts.join()} paid while an earlier payment may still settle`);
    }
    this.#attempts.push({ hash: invoice.paymentHash, debts });
  }

  /** Everything that was done wrong so far; empty for an honest client. */
  violations(): string[] {
    const { node } = this.#world;
    const twice = node.attemptedHashes().filter((hash) => node.payCalls(hash) > 1);
    return [
      ...new Set([
        ...this.#sins,
        ...twice.map((hash) => `H1 node asked ${node.payCalls(hash)} times to pay ${hash.slice(0, 8)}`),
      ]),
    ];
  }

  #paid(hash: string): boolean {
    const internal = this.#world.books.rows.some((row) => row.checkingId === `internal_${hash}`);
    return internal || this.#world.node.truth(hash) === 'paid';
  }

  #keyIsLeast(request: Request, needsAdmin: boolean): void {
    if (!this.strictKeys || needsAdmin || request.path === '/api/v1/wallet') return;
    if (callerOf(this.#world, request)?.admin === true)
      this.#sins.push(`H5 admin key used for ${request.method} ${request.path.slice(0, 24)}`);
  }
}
