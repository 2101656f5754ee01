import { OutsideError, type OutsideFault } from '../lib/errors.ts';

/**
 * Tokens as the API reported them, already checked for plausibility (whole, ≥ 0, output ≤ what was allowed). Four
 * classes that do not overlap, each with a rate of its own.
 */
export interface TokenUsage {
  /** Read by the model and neither written to its cache nor read from it. */
  readonly inputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheReadTokens: number;
  /** Thinking included. */
  readonly outputTokens: number;
}

/** For calls that have nothing to do with a cache. */
export const NO_CACHE = { cacheWriteTokens: 0, cacheReadTokens: 0 } as const;

/** What the model was given, in all. Tokens. */
export function inputTokensOf(usage: TokenUsage): number {
  return usage.inputTokens + usage.cacheWriteTokens + usage.cacheReadTokens;
}

export interface EvaluationRequest {
  readonly model: string;
  readonly request: string;
}

export interface Evaluation {
  readonly accept: boolean;
  /** One sentence for the customer, control characters stripped, ≤ 500 characters. */
  readonly reason: string;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** An earlier turn of a conversation (sessions). */
export interface Turn {
  readonly role: 'customer' | 'timmy';
  readonly text: string;
}

/** Output bound of an evaluation: a boolean and one sentence. Thinking is allowed for beside it (`evaluationMaxTokens`). Tokens. */
export const EVALUATION_MAX_TOKENS = 512;

export interface WorkRequest {
  readonly model: string;
  readonly request: string;
  readonly history: readonly Turn[];
  /** The length that was bought, in words; the model is told. */
  readonly words: number;
  readonly format: 'plain' | 'markdown';
  /** Hard bound on the output, thinking included, ≥ 1. */
  readonly maxTokens: number;
  /**
   * Hears the whole cleaned text so far while the model still writes, each time longer and beginning with what was
   * heard before; the answer begins with all of it. Given, the answer is streamed. What was heard of a call that is
   * refused (`model.refused`) or is no answer is to be discarded.
   */
  readonly onText?: (textSoFar: string) => void;
}

/** The prompt of a `WorkRequest`. */
export type WorkPrompt = Pick<WorkRequest, 'model' | 'request' | 'history' | 'words' | 'format'>;

export interface Work {
  /** Never empty; control and bidi characters stripped. */
  readonly text: string;
  /** True when `maxTokens` cut the answer. */
  readonly cut: boolean;
  readonly model: string;
  readonly usage: TokenUsage;
}

/**
 * How a call to the model failed. `usage`: the tokens it is known to have cost us all the same; null: not known, it may
 * be all that was allowed. What is refused before any work costs none. `partial`: of a stream that was lost midway, the
 * cleaned text so far, no less than `onText` heard; else empty.
 */
export class AgentError extends OutsideError {
  readonly usage: TokenUsage | null;
  readonly partial: string;

  constructor(
    fault: OutsideFault,
    code: string,
    options: { cause?: unknown; retryAfterSeconds?: number; usage?: TokenUsage | null; partial?: string } = {},
  ) {
    super(fault, code, options);
    this.name = 'AgentError';
    this.usage = options.usage ?? null;
    this.partial = options.partial ?? '';
  }
}

export const NO_USAGE: TokenUsage = { inputTokens: 0, ...NO_CACHE, outputTokens: 0 };

/**
 * The model. Throws `AgentError`, `message` being a code of ours:
 * - `unavailable`: refused before any work, no attempt, repeat with backoff. `model.unreachable`, `model.rate_limited`,
 *   `model.overloaded`, `model.down`, and what the operator must mend: `model.key_refused`, `model.no_such_model`,
 *   `model.wrong_address`, `model.spending_limit`. `model.no_answer`: a page that is no answer at all, which counts as
 *   the endpoint being down, though it may have cost tokens.
 * - `unknown`: the call may have cost tokens and its answer is lost. An attempt. `model.timeout`,
 *   `model.connection_lost`.
 * - `rejected`: it answered and there is no usable answer. An attempt. `model.refused` (it declined: trying again is no
 *   use), `model.bad_request` (no use either), `model.empty`, `model.bad_output` (not the asked structure),
 *   `model.bad_usage`.
 */
export interface Agent {
  readonly kind: 'stub' | 'anthropic';
  evaluate(request: EvaluationRequest, signal: AbortSignal): Promise<Evaluation>;
  work(request: WorkRequest, signal: AbortSignal): Promise<Work>;
}
