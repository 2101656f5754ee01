import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Agent, EvaluationRequest, WorkRequest } from '../../ports/agent.ts';
import { readableText, readEvaluation, readWork, type CallBounds } from './answer.ts';
import { evaluationCall, workPrompt, type Call } from './call.ts';
import { send, sendStreamed, type Endpoint } from './send.ts';
import { StreamedMessage } from './stream.ts';

export interface AnthropicOptions extends Endpoint {
  readonly clock: Clock;
  readonly log: Log;
  readonly evaluateTimeoutMs?: number;
  readonly workTimeoutMs?: number;
  /** Of a streamed answer from its first byte to its last. */
  readonly streamTimeoutMs?: number;
}

/**
 * The model behind Anthropic's Messages API: one HTTP request a call, never repeated here (a repetition that nobody
 * counts would be money), streamed where somebody listens. Faults as `ports/agent.ts` says.
 */
export function createAnthropicAgent(options: AnthropicOptions): Agent {
  const { clock, log } = options;

  async function ask<T>(
    role: 'eval' | 'work',
    call: Call,
    answer: () => Promise<unknown>,
    read: (body: unknown, bounds: CallBounds) => T,
  ): Promise<T> {
    const startedMs = clock.monotonicMs();
    const bounds = { sentBytes: Buffer.byteLength(JSON.stringify(call)), maxTokens: call.max_tokens };
    try {
      const done = read(await answer(), bounds);
      log.debug('model.answered', { role, model: call.model, ms: Math.round(clock.monotonicMs() - startedMs) });
      return done;
    } catch (error) {
      const code = error instanceof OutsideError ? error.message : 'model.bug';
      log.warn('model.failed', { role, model: call.model, code, ms: Math.round(clock.monotonicMs() - startedMs) });
      throw error;
    }
  }

  return {
    kind: 'anthropic',

    evaluate(request: EvaluationRequest, signal: AbortSignal) {
      const call = evaluationCall(request);
      return ask('eval', call, () => send(options, call, options.evaluateTimeoutMs ?? 30_000, signal), readEvaluation);
    },

    work(request: WorkRequest, signal: AbortSignal) {
      const { onText } = request;
      const call = { ...workPrompt(request), max_tokens: Math.max(1, Math.trunc(request.maxTokens)) };
      if (onText === undefined)
        return ask('work', call, () => send(options, call, options.workTimeoutMs ?? 120_000, signal), readWork);
      const message = new StreamedMessage(growing(onText));
      const timeoutMs = options.streamTimeoutMs ?? 240_000;
      return ask('work', call, () => sendStreamed(options, call, timeoutMs, signal, message), readWork);
    },
  };
}

/** Told of the raw text, tells the text that a person reads, whenever there is more of it. */
function growing(onText: (textSoFar: string) => void): (raw: string) => void {
  let told = 0;
  return (raw) => {
    const { text } = readableText(raw);
    if (text.length <= told) return;
    told = text.length;
    onText(text);
  };
}
