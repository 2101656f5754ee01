import { randomBytes } from 'node:crypto';
import { decodeInvoice, encodeInvoice, payeeOf } from '../../../src/bolt11/index.ts';
import { unixSeconds } from '../../../src/lib/units.ts';
import type { Network } from '../../../src/ports/wallet.ts';
import { sha256, type Books } from './books.ts';
import { scripts, type PayScript } from './scripts.ts';

/** Runs `callback` after `ms`, on whatever clock the fake lives by. */
export type After = (ms: number, callback: () => void) => unknown;

interface Issued {
  readonly bolt11: string;
  readonly preimage: string;
  readonly expiresAt: number;
  paid: boolean;
}

interface Outside {
  readonly bolt11: string;
  readonly preimage: string;
  readonly script: PayScript;
}

interface Attempt {
  readonly at: number;
  calls: number;
  resolved: 'paid' | 'failed' | null;
}

interface NodeState {
  readonly key: string;
  readonly outsideKey: string;
  readonly issued: Record<string, Issued>;
  readonly outside: Record<string, Outside>;
  readonly attempts: Record<string, Attempt>;
  /** It was restarted and knows nothing of what it issued before, as FakeWallet does. */
  forgetful: boolean;
}

export type PayAnswer = { readonly ownId?: string | undefined } & (
  | { readonly ok: true; readonly feeMsats: number; readonly preimage: string | null }
  | { readonly ok: false; readonly reason: string }
  | { readonly ok: null; readonly reason: string }
);

export type NodeStatus = 'paid' | 'failed' | 'pending';

/** What a hostile or broken funding source does to the invoices it issues. */
export interface HostileIssue {
  readonly amountMsats?: number | null;
  readonly network?: Network;
  readonly expirySeconds?: number;
  readonly foreignKey?: boolean;
  /** The invoice is sound, but for another hash than LNbits says. */
  readonly otherHash?: boolean;
}

/** The scripted Lightning node behind the fake: it alone knows the truth about each payment. */
export class ScriptedNode {
  readonly network: Network;
  readonly payee: string;
  /** No connection to the node: nothing can be issued, payments are unknown, status queries raise. */
  down = false;
  /** LNbits found no node when it started and runs on VoidWallet until it is restarted. */
  isVoid = false;
  /** Status queries of outgoing payments raise (as behind LND, in flight), after `statusDelayMs`. */
  statusRaises = false;
  statusDelayMs = 0;
  hostile: HostileIssue | null = null;
  readonly #books: Books;
  readonly #now: () => number;
  readonly #after: After;
  readonly #state: NodeState;

  constructor(books: Books, network: Network, now: () => number, after: After) {
    this.#books = books;
    this.network = network;
    this.#now = now;
    this.#after = after;
    this.#state = (books.node as NodeState | null) ?? {
      key: randomBytes(32).toString('hex'),
      outsideKey: randomBytes(32).toString('hex'),
      issued: {},
      outside: {},
      attempts: {},
      forgetful: false,
    };
    this.payee = payeeOf(Buffer.from(this.#state.key, 'hex'));
    this.#save();
  }

  /** An invoice of this node. @throws when the node is not there. */
  issue(
    amountMsats: number | null,
    description: string,
    expirySeconds: number,
  ): { bolt11: string; preimage: string; paymentHash: string } {
    if (this.down || this.isVoid)
      throw new Error(this.isVoid ? 'VoidWallet cannot create invoices.' : 'Unable to connect.');
    const preimage = randomBytes(32);
    const paymentHash = sha256(preimage);
    const h = this.hostile ?? {};
    const bolt11 = this.#invoice({
      network: h.network ?? this.network,
      amountMsats: h.amountMsats === undefined ? amountMsats : h.amountMsats,
      description,
      expirySeconds: h.expirySeconds ?? expirySeconds,
      paymentHash: h.otherHash === true ? sha256(randomBytes(32)) : paymentHash,
      key: h.foreignKey === true ? this.#state.outsideKey : this.#state.key,
    });
    this.#state.issued[paymentHash] = {
      bolt11,
      preimage: preimage.toString('hex'),
      expiresAt: this.#now() + expirySeconds,
      paid: false,
    };
    this.#save();
    return { bolt11, preimage: preimage.toString('hex'), paymentHash };
  }

  /** An invoice of somebody out there, which will be paid (or not) by `script`. */
  outsideInvoice(
    amountMsats: number,
    script: PayScript,
    options: { expirySeconds?: number; network?: Network } = {},
  ): string {
    const preimage = randomBytes(32);
    const paymentHash = sha256(preimage);
    const bolt11 = this.#invoice({
      network: options.network ?? this.network,
      amountMsats,
      description: 'from outside',
      expirySeconds: options.expirySeconds ?? 86_400,
      paymentHash,
      key: this.#state.outsideKey,
    });
    this.#state.outside[paymentHash] = { bolt11, preimage: preimage.toString('hex'), script };
    this.#save();
    return bolt11;
  }

  /** Somebody out there pays an invoice of ours. False when it is unknown, paid, or past its expiry. */
  receive(paymentHash: string): boolean {
    const invoice = this.#state.issued[paymentHash];
    if (invoice === undefined || invoice.paid || invoice.expiresAt <= this.#now()) return false;
    invoice.paid = true;
    this.#save();
    return true;
  }

  /** Has the node the money of this invoice? @throws when it cannot be asked. */
  incomingStatus(paymentHash: string): NodeStatus {
    if (this.down || this.isVoid) throw new Error('Unable to connect.');
    const invoice = this.#state.issued[paymentHash];
    if (invoice === undefined && this.#state.forgetful) return 'failed';
    return invoice?.paid === true ? 'paid' : 'pending';
  }

  /** Loses every invoice it issued that nobody has paid, as FakeWallet does when it is restarted. */
  forget(): void {
    for (const [hash, { paid }] of Object.entries(this.#state.issued)) if (!paid) delete this.#state.issued[hash];
    this.#state.forgetful = true;
    this.#save();
  }

  /** One payment, counted. @throws when the adapter crashes. */
  async pay(bolt11: string): Promise<PayAnswer> {
    if (this.isVoid) return { ok: false, reason: 'VoidWallet cannot pay invoices.' };
    if (this.down) return { ok: null, reason: 'Unable to connect.' };
    const { hash, outside } = this.#outside(bolt11);
    const { script } = outside;
    const attempt = (this.#state.attempts[hash] ??= { at: this.#now(), calls: 0, resolved: null });
    attempt.calls += 1;
    this.#save();
    if (script.answerAfterMs > 0) await this.#wait(script.answerAfterMs);
    switch (script.answer) {
      case 'ok':
        return { ok: true, feeMsats: script.feeMsats, preimage: this.#shownPreimage(outside), ownId: script.ownId };
      case 'fail':
        return { ok: false, reason: script.truth === 'never' ? 'Only internal invoices can be used!' : 'no_route' };
      case 'unknown':
      case 'in_flight':
        return { ok: null, reason: script.answer, ownId: script.ownId };
      case 'crash':
        throw new Error('adapter crashed');
    }
  }

  /** What the node answers LNbits about a payment. @throws when it cannot be asked. */
  async outgoingStatus(
    paymentHash: string,
  ): Promise<{ status: NodeStatus; feeMsats: number; preimage: string | null }> {
    if (this.statusDelayMs > 0) await this.#wait(this.statusDelayMs);
    if (this.down || this.isVoid || this.statusRaises) throw new Error('Unable to connect.');
    const outside = this.#state.outside[paymentHash];
    const status = this.truth(paymentHash);
    return {
      status: status === 'unsent' ? 'pending' : status,
      feeMsats: outside?.script.feeMsats ?? 0,
      preimage: status === 'paid' && outside !== undefined ? this.#shownPreimage(outside) : null,
    };
  }

  /** What nobody but the node knows. */
  truth(paymentHash: string): NodeStatus | 'unsent' {
    const attempt = this.#state.attempts[paymentHash];
    const script = this.#state.outside[paymentHash]?.script ?? scripts.onlyInternal;
    if (attempt === undefined) return 'unsent';
    if (attempt.resolved !== null) return attempt.resolved;
    if (script.truth === 'never' || script.truthAfterSeconds === null) return 'pending';
    return this.#now() >= attempt.at + script.truthAfterSeconds ? script.truth : 'pending';
  }

  /** Can it still take our money? False once the truth is `failed`, or when it never left. */
  mayStillSettle(paymentHash: string): boolean {
    const truth = this.truth(paymentHash);
    const hopeless = this.#state.outside[paymentHash]?.script.truth === 'never';
    return truth === 'paid' || (truth === 'pending' && !hopeless);
  }

  /** Ends a payment whose script waits for it. */
  resolve(paymentHash: string, truth: 'paid' | 'failed'): void {
    const attempt = this.#state.attempts[paymentHash];
    if (attempt === undefined) throw new Error('the node was never asked to pay this');
    attempt.resolved = truth;
    this.#save();
  }

  payCalls(paymentHash: string): number {
    return this.#state.attempts[paymentHash]?.calls ?? 0;
  }

  attemptedHashes(): string[] {
    return Object.keys(this.#state.attempts);
  }

  #outside(bolt11: string): { hash: string; outside: Outside } {
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice) throw new Error('undecodable');
    // An invoice from nowhere: as with FakeWallet, it cannot be paid and nobody can tell what became of it.
    const outside = (this.#state.outside[invoice.paymentHash] ??= {
      bolt11,
      preimage: '',
      script: scripts.onlyInternal,
    });
    return { hash: invoice.paymentHash, outside };
  }

  #shownPreimage(outside: Outside): string | null {
    switch (outside.script.preimage) {
      case 'right':
        return outside.preimage;
      case 'null':
        return null;
      case 'zeros':
        return '0'.repeat(64);
      case 'wrong':
        return sha256(Buffer.from(outside.preimage));
    }
  }

  #invoice(o: {
    network: Network;
    amountMsats: number | null;
    description: string;
    expirySeconds: number;
    paymentHash: string;
    key: string;
  }): string {
    return encodeInvoice(
      {
        network: o.network,
        amountMsats: o.amountMsats === null || o.amountMsats === 0 ? null : BigInt(o.amountMsats),
        timestamp: unixSeconds(Math.floor(this.#now())),
        expirySeconds: o.expirySeconds,
        description: o.description,
        paymentHash: o.paymentHash,
        paymentSecret: randomBytes(32).toString('hex'),
      },
      Buffer.from(o.key, 'hex'),
    );
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#after(ms, resolve));
  }

  #save(): void {
    this.#books.saveNode(this.#state);
  }
}
