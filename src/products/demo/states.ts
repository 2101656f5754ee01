import type { OrderBase } from '../../engine/types.ts';
import type { UnixSeconds } from '../../lib/units.ts';

/*
 *            asked               accepted                done
 *  (nothing) ───────► looking ───────────► answering ───────────► complete
 *                        │  └── declined ◄─────┤ (the model declines)
 *                        └────────► failed ◄───┘ cannot be done: the question is given back
 *   No state holds money, waits for money, or earns any.
 */
interface DemoBase extends OrderBase {
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  /** The kept text of the question; null when it was erased. */
  readonly requestId: number | null;
  /** The message that asked, and is answered. */
  readonly replyTo: number;
  /** The unpaid order whose request this answers (`demo` alone); it stays as it is. */
  readonly waitingId: string | null;
}

/** A free question. */
export type Demo = DemoBase &
  (
    | { readonly state: 'looking' }
    | { readonly state: 'answering' }
    | {
        readonly state: 'complete';
        /** The kept text. */
        readonly resultId: number;
        /** The bound cut it. */
        readonly cut: boolean;
      }
    | {
        readonly state: 'declined';
        /** The kept text of the reason; null: the model declined without one. */
        readonly reasonId: number | null;
      }
    | { readonly state: 'failed'; readonly code: string }
  );

/** What is said of every order by id; nothing of it applies to what is free. */
export interface DemoCommand {
  readonly type: 'cancel' | 'invoice';
}

export type DemoNotice =
  /** It takes a moment. */
  | { readonly type: 'at_it'; readonly again: boolean }
  /** How it ended. */
  | { readonly type: 'end' };

export interface DemoFacts {
  readonly now: UnixSeconds;
}

/** What the activity `look` hands back; the reason is kept already. */
export interface Look {
  readonly accept: boolean;
  readonly reasonId: number;
}

/** What the activity `answer` hands back; the text is kept already. */
export interface Answer {
  readonly resultId: number;
  readonly cut: boolean;
}
