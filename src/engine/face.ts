import type { Reader } from '../db/index.ts';
import type { Slices } from '../ledger/index.ts';
import type { UnixSeconds } from '../lib/units.ts';

/**
 * What a product is to whoever has nothing but its rows: pruning, the books' checks, `timmy <plural>`, `status`, the
 * customer's history, the limits. It needs no daemon. SQL in it is about a row `o` of the product's table.
 */
export interface ProductFace {
  /** As in `accounts` (`job:J-4KQ7M`), `invoices.order_kind` and the kinds of its tasks. */
  readonly kind: string;
  /** The letter of its ids. */
  readonly prefix: string;
  /** The operator's command (`timmy jobs`), and its name in `status`. */
  readonly plural: string;
  /**
   * One row for each order, with these columns: id, seq, state, owner, dialect, created_at, updated_at; and two indexes:
   * (owner, created_at), or any that begins with owner where it is not `listed`, and (state).
   */
  readonly table: string;
  /** False: part of another order (a session's request), in nobody's history or status by itself. */
  readonly listed: boolean;
  /** There is nothing to pay and nothing to cancel: what is open stands in `status`, and no word without an id means it. */
  readonly isFree?: true;
  /** Once paid it is cancelled by its id alone: what goes with it does not come back. */
  readonly cancelNamed?: true;
  readonly states: {
    /** Not finished: waits for money, or is being worked on. */
    readonly open: readonly string[];
    /** Paid work waits or is under way: it counts against `LIMIT_RUNNING` and `LIMIT_PAID_WAITING`. */
    readonly atWork: readonly string[];
    /** Ends before which nobody may ever have paid: the row goes after a term, where no money is booked for it. */
    readonly unpaidEnds: readonly string[];
  };
  /** Where it names texts that customers wrote. Whatever else names one is no reason to keep it. */
  readonly texts: readonly TextUse[];
  /** What its invoices are for, by purpose, as the payer's wallet shows it ("Timmy J-4KQ7M look"). */
  readonly invoiceWords: Readonly<Record<string, string>>;
  /**
   * What it charges has a receipt; `later`: condition on `o` under which the receipt of what was charged is still to
   * come. Null: it charges nothing.
   */
  readonly receipts: { readonly later: string | null } | null;
  /** Tables of its own beside `table` that strangers can make grow. */
  readonly prunes?: readonly PruneRule[];
  /** Tables of its own that need no pruning, each with the reason. */
  readonly keeps?: Readonly<Record<string, string>>;
  /** What must hold of its orders and their money, for `timmy ledger verify`. */
  checks(reader: Reader, at: VerifiedAt | null): Slices;
  /** What the operator sees of one order beside its state and its money; nothing that a customer wrote. */
  particulars?(
    reader: Reader,
    id: string,
    now: UnixSeconds,
  ): Readonly<Record<string, string | number | boolean | null>>;
}

/** A column with ids of kept texts. */
export interface TextUse {
  /** Where it is another than the product's own; it needs a column `owner`, indexed. */
  readonly table?: string;
  readonly column: string;
  /** Condition on the row `o` under which the text is still needed: `forget` and pruning leave it. */
  readonly needed: string;
}

/** When it is, and since when the process runs: time that we were down counts for no deadline. */
export interface VerifiedAt {
  readonly now: UnixSeconds;
  readonly startedAt: UnixSeconds;
}

/** The terms after which things go (`TERMS` of `app/prune.ts`). `texts`: `TIMMY_RETENTION_DAYS`. */
export type PruneTerm =
  | 'wraps'
  | 'inbox'
  | 'talk'
  | 'answered'
  | 'undeliverable'
  | 'unpaidOrders'
  | 'strangers'
  | 'told'
  | 'replays'
  | 'texts';

/** How the rows of one table go. */
export interface PruneRule {
  readonly table: string;
  /**
   * Column by which rows were added, one after the other: the first page of rows within this term is the last that is
   * looked at. Null: rows are touched again and again, all are looked at.
   */
  readonly added: { readonly at: string; readonly term: PruneTerm } | null;
  /** Rows are read by this index on `added.at` where they are large; else as they lie. */
  readonly byAge?: true;
  /** What narrows them by an index. */
  readonly among?: string;
  /** Does a row `r` go? By indexes alone, and of `@<term>`: unix seconds, what is older is past it. */
  readonly goes: string;
  /** What goes with the rows whose keys are in `@page`. */
  readonly with?: { readonly table: string; readonly goes: string };
}

/** States, or kinds, as SQL has them. */
export function sqlList(names: readonly string[]): string {
  return `(${names.map((name) => `'${name}'`).join(', ')})`;
}
