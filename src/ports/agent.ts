/** Tokens as the API reported them, already checked for plausibility (whole, ≥ 0, output ≤ what was allowed). */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
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

export interface WorkRequest {
  readonly model: string;
  readonly request: string;
  readonly history: readonly Turn[];
  /** The length that was bought, in words; the model is told. */
  readonly words: number;
  readonly format: 'plain' | 'markdown';
  /** Hard bound on the output, ≥ 1. */
  readonly maxTokens: number;
}

export interface Work {
  /** Never empty; control and bidi characters stripped. */
  readonly text: string;
  /** True when `maxTokens` cut the answer. */
  readonly cut: boolean;
  readonly model: string;
  readonly usage: TokenUsage;
}

/**
 * The model. Throws `OutsideError`:
 * - `unavailable`: refused before any work (no connection, 429, 5xx, 529). No attempt, no tokens; repeat with backoff.
 * - `unknown`: the call may have cost tokens and its answer is lost (time-out, connection lost midway). An attempt.
 * - `rejected`: it answered and there is no usable answer. An attempt. `message` is `model.refused` (it declined: trying
 *   again is no use), `model.empty`, `model.bad_output` (not the asked structure), `model.bad_usage`, or
 *   `model.config` (wrong key, model or request: the operator must look).
 */
export interface Agent {
  readonly kind: 'stub' | 'anthropic';
  evaluate(request: EvaluationRequest, signal: AbortSignal): Promise<Evaluation>;
  work(request: WorkRequest, signal: AbortSignal): Promise<Work>;
}
