import type { OrderBase } from '../../engine/types.ts';
import type { Sats, UnixSeconds } from '../../lib/units.ts';
import type { TokenUsage } from '../../ports/agent.ts';
import type { Tariff } from '../../pricing/index.ts';

/*
 *   waiting ──► evaluating ──► executing ──► complete
 *      │             ├──► rejected   │
 *      ▼             └──► failed ◄───┘
 *   cancelled
 *   It waits for its turn or for a top-up (words only). Begun, it has set its price aside in `request:<id>`; at its end
 *   it pays what it cost, and the rest goes back to the session.
 */
export interface RequestVerdict {
  readonly accept: boolean;
  readonly reasonId: number | null;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** What a request would cost now, before anybody has looked at it. */
export interface Need {
  readonly tariff: Tariff;
  readonly sats: Sats;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The length told to the model. */
  readonly words: number;
}

/** What a request cost, and the most that it could be charged: set aside for it, or free in its session. */
export interface Settlement {
  readonly actualSats: Sats;
  readonly limitSats: Sats;
  readonly chargedSats: Sats;
}

export interface RequestBase extends OrderBase {
  readonly sessionId: string;
  readonly createdAt: UnixSeconds;
  readonly updatedAt: UnixSeconds;
  readonly requestId: number | null;
  readonly resultId: number | null;
  /** Which conversation of its owner it belongs to. */
  readonly talk: number;
  /** Sats, once: 0 until it has ended. */
  readonly chargedSats: Sats;
  /** The message that is answered. */
  readonly replyTo: number;
  /** Further lines were joined to it while it waited. */
  readonly joined: boolean;
}

export type Request = RequestBase &
  (
    | { readonly state: 'waiting' }
    | { readonly state: 'evaluating'; readonly need: Need }
    | {
        readonly state: 'executing';
        readonly need: Need;
        readonly verdict: RequestVerdict;
        readonly told: Told | null;
      }
    | {
        readonly state: 'complete';
        readonly need: Need;
        readonly verdict: RequestVerdict;
        readonly usage: TokenUsage;
        readonly model: string;
        readonly cut: boolean;
        readonly resultParts: number;
        /** How much of its prompt was the conversation before it; missing in what was answered by an earlier version. */
        readonly rememberedTokens?: number;
        readonly told: Told | null;
        readonly bill: Settlement;
      }
    | {
        readonly state: 'rejected';
        readonly need: Need;
        readonly verdict: RequestVerdict;
        readonly bill: Settlement;
      }
    | {
        readonly state: 'failed';
        readonly need: Need;
        readonly step: 'eval' | 'work';
        readonly code: string;
        readonly verdict: RequestVerdict | null;
      }
    | { readonly state: 'cancelled' }
  );

export interface RequestFacts {
  readonly now: UnixSeconds;
  /** Is its session active or paused? */
  readonly sessionLives: boolean;
  /** Free in its session. */
  readonly freeSats: Sats;
  /** Another request of its owner in this session is at work. */
  readonly isBusy: boolean;
  readonly need: Need;
  readonly requestKept: boolean;
  /** What so many tokens come to, and what of it is charged. */
  settle(need: Need, verdict: RequestVerdict, work: TokenUsage | null): Settlement;
}

export type RequestCommand = { readonly type: 'cancel' } | { readonly type: 'join' } | { readonly type: 'invoice' };

export type RequestNotice =
  | { readonly type: 'waits' }
  | { readonly type: 'joined' }
  | { readonly type: 'progress' }
  | { readonly type: 'part'; readonly text: string }
  | { readonly type: 'result' }
  | { readonly type: 'rejected' }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled' }
  /** `ended`: its session is over before it could run; `erased`: its text is gone. */
  | { readonly type: 'ended' | 'erased' };

/** What was told of an answer before its end. */
export interface Told {
  /** The kept text that it is the beginning of. */
  readonly textId: number;
  /** So many characters of it. */
  readonly said: number;
}

/** What the activity `execute` says midway: the next part of the answer. */
export interface PartNews extends Told {
  readonly text: string;
}

/** What the activity `execute` hands back; the text is kept already. */
export interface AnswerOutput {
  readonly rememberedTokens?: number;
  readonly resultId: number;
  readonly resultParts: number;
  readonly cut: boolean;
  readonly model: string;
  readonly usage: TokenUsage;
}
