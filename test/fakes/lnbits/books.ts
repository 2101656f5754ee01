import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** A wallet of the fake, with its two keys. `sharedFrom`: a mirror of another wallet, as LNbits 1.4+ makes them. */
export interface FakeWallet {
  readonly id: string;
  readonly name: string;
  readonly inkey: string;
  readonly adminkey: string;
  readonly sharedFrom?: string;
}

export type RowStatus = 'pending' | 'success' | 'failed';

/** One row of LNbits' table `apipayments`: incoming `amount` > 0, outgoing < 0, `fee` ≤ 0, all msats. Times in seconds. */
export interface Row {
  checkingId: string;
  readonly paymentHash: string;
  readonly walletId: string;
  readonly amount: number;
  fee: number;
  readonly bolt11: string;
  status: RowStatus;
  readonly memo: string;
  readonly expiry: number | null;
  preimage: string | null;
  readonly extra: Record<string, unknown>;
  readonly labels: string[];
  readonly externalId: string | null;
  readonly webhook: string | null;
  readonly time: number;
  updatedAt: number;
}

interface Contents {
  wallets: FakeWallet[];
  rows: Row[];
  node: unknown;
}

/**
 * What the fake remembers: wallets, payment rows, and whatever the node behind it asks to keep. With a file every
 * change is on disk before the answer leaves, so the fake survives its own kill -9, as LNbits does.
 */
export class Books {
  readonly #file: string | null;
  readonly #contents: Contents;

  constructor(file: string | null) {
    this.#file = file;
    this.#contents =
      file !== null && existsSync(file)
        ? (JSON.parse(readFileSync(file, 'utf8')) as Contents)
        : { wallets: [], rows: [], node: null };
  }

  get wallets(): readonly FakeWallet[] {
    return this.#contents.wallets;
  }

  get rows(): readonly Row[] {
    return this.#contents.rows;
  }

  get node(): unknown {
    return this.#contents.node;
  }

  addWallet(name: string, sharedFrom?: string): FakeWallet {
    const wallet: FakeWallet = {
      id: randomBytes(16).toString('hex'),
      name,
      inkey: randomBytes(16).toString('hex'),
      adminkey: randomBytes(16).toString('hex'),
      ...(sharedFrom === undefined ? {} : { sharedFrom }),
    };
    this.#contents.wallets.push(wallet);
    this.save();
    return wallet;
  }

  insert(row: Row): Row {
    this.#contents.rows.push(row);
    this.save();
    return row;
  }

  change(row: Row, changes: Partial<Pick<Row, 'status' | 'fee' | 'preimage' | 'checkingId'>>, now: number): void {
    Object.assign(row, changes, { updatedAt: now });
    this.save();
  }

  saveNode(node: unknown): void {
    this.#contents.node = node;
    this.save();
  }

  /** Successful in, less successful and pending out with their fees (reserve while pending). Msats. */
  balance(walletId: string): number {
    return this.rows
      .filter((row) => row.walletId === walletId)
      .filter((row) => row.status === 'success' || (row.status === 'pending' && row.amount < 0))
      .reduce((sum, row) => sum + row.amount + row.fee, 0);
  }

  byKey(key: string): { wallet: FakeWallet; admin: boolean } | null {
    const wallet = this.wallets.find((candidate) => candidate.inkey === key || candidate.adminkey === key);
    return wallet === undefined ? null : { wallet, admin: wallet.adminkey === key };
  }

  /** The wallet whose rows `wallet` acts on: its own, or its owner's when it is a mirror. */
  sourceOf(wallet: FakeWallet): string {
    return wallet.sharedFrom ?? wallet.id;
  }

  save(): void {
    if (this.#file === null) return;
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(this.#contents));
    renameSync(`${this.#file}.tmp`, this.#file);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
