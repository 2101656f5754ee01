import { withTimeout, type Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Secret } from '../../lib/secret.ts';
import {
  AgentError,
  EVALUATION_MAX_TOKENS,
  NO_USAGE,
  type Agent,
  type Evaluation,
  type EvaluationRequest,
  type Work,
  type WorkRequest,
} from '../../ports/agent.ts';
import { readEvaluation, readWork, type CallBounds } from './answer.ts';
import { faultOfConnection, faultOfStatus } from './faults.ts';
import { EVALUATION_SCHEMA, evaluationPrompt, workSystemPrompt } from './prompts.ts';
import { openTransport } from './transport.ts';

export interface AnthropicOptions {
  readonly apiKey: Secret;
  /** Any Anthropic-compatible endpoint; without it, Anthropic's own. */
  readonly baseUrl?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly evaluateTimeoutMs?: number;
  readonly workTimeoutMs?: number;
}

/** The body of a Messages API call, in the API's own names (docs.anthropic.com/en/api/messages). */
interface Call {
  readonly model: string;
  readonly max_tokens: number;
  readonly system: string;
  readonly messages: { role: 'user' | 'assistant'; content: string }[];
  readonly output_config?: { format: { type: 'json_schema'; schema: Record<string, unknown> } };
}

/**
 * The model behind Anthropic's Messages API: one HTTP request a call, never repeated here (a repetition that nobody
 * counts would be money), never streamed. Faults as `ports/agent.ts` says.
 */
export function createAnthropicAgent(options: AnthropicOptions): Agent {
  const { clock, log } = options;

  async function ask<T>(
    role: 'eval' | 'work',
    call: Call,
    timeoutMs: number,
    signal: AbortSignal,
    read: (body: unknown, bounds: CallBounds) => T,
  ): Promise<T> {
    const startedMs = clock.monotonicMs();
    const bounds = { sentBytes: Buffer.byteLength(JSON.stringify(call)), maxTokens: call.max_tokens };
    try {
      const answer = read(await send(options, call, timeoutMs, signal), bounds);
      log.debug('model.answered', { role, model: call.model, ms: Math.round(clock.monotonicMs() - startedMs) });
      return answer;
    } catch (error) {
      const code = error instanceof OutsideError ? error.message : 'model.bug';
      log.warn('model.failed', { role, model: call.model, code, ms: Math.round(clock.monotonicMs() - startedMs) });
      throw error;
    }
  }

  return {
    kind: 'anthropic',

    evaluate({ model, request }: EvaluationRequest, signal: AbortSignal): Promise<Evaluation> {
      const { system, user } = evaluationPrompt(request);
      const call: Call = {
        model,
        max_tokens: EVALUATION_MAX_TOKENS,
        system,
        messages: [{ role: 'user', content: user }],
        output_config: { format: { type: 'json_schema', schema: { ...EVALUATION_SCHEMA } } },
      };
      return ask('eval', call, options.evaluateTimeoutMs ?? 30_000, signal, readEvaluation);
    },

    work({ model, request, history, words, format, maxTokens }: WorkRequest, signal: AbortSignal): Promise<Work> {
      const turns = history.map(
        ({ role, text }) => ({ role: role === 'customer' ? 'user' : 'assistant', content: text }) as const,
      );
      const call: Call = {
        model,
        max_tokens: Math.max(1, Math.trunc(maxTokens)),
        system: workSystemPrompt({ words, format }),
        messages: [...turns, { role: 'user', content: request }],
      };
      return ask('work', call, options.workTimeoutMs ?? 120_000, signal, readWork);
    },
  };
}

async function send(
  { apiKey, baseUrl, clock }: AnthropicOptions,
  call: Call,
  timeoutMs: number,
  parent: AbortSignal,
): Promise<unknown> {
  const timeout = withTimeout(clock, timeoutMs, parent);
  const transport = openTransport();
  try {
    const { default: Anthropic } = await import('@anthropic-ai/sdk');
    const client = new Anthropic({
      apiKey: apiKey.expose(),
      // Other endpoints may still want the key where the API had it for years.
      ...(baseUrl === undefined ? {} : { baseURL: baseUrl, defaultHeaders: { 'x-api-key': apiKey.expose() } }),
      maxRetries: 0,
      timeout: timeoutMs * 2, // ours comes first; the SDK's own only keeps it from objecting to a long call
      logLevel: 'off',
      fetch: transport.fetch,
    });
    return await client.messages.create(call, { signal: timeout.signal });
  } catch (error) {
    const failure = transport.failure();
    // The SDK never tried to send: the key or the address is malformed.
    if (!failure.tried && !parent.aborted)
      throw new AgentError('unavailable', 'model.key_refused', { cause: error, usage: NO_USAGE });
    if (failure.status !== null)
      throw faultOfStatus(failure.status, failure.retryAfter, clock.now() * 1000, failure.detail);
    // The answer came whole and is no JSON.
    if (failure.answered) throw new AgentError('unavailable', 'model.no_answer', { cause: error });
    throw faultOfConnection(failure.error ?? error, timeout.signal.aborted && !parent.aborted);
  } finally {
    timeout.done();
  }
}
