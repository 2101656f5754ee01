import type Anthropic from '@anthropic-ai/sdk';
import { withTimeout, type Clock } from '../../lib/clock.ts';
import type { Secret } from '../../lib/secret.ts';
import { AgentError, NO_USAGE } from '../../ports/agent.ts';
import { readableText } from './answer.ts';
import type { Call } from './call.ts';
import { faultOfConnection, faultOfDetail, faultOfStatus, readErrorDetail } from './faults.ts';
import type { StreamedMessage } from './stream.ts';
import { openTransport, type Transport } from './transport.ts';

export interface Endpoint {
  readonly apiKey: Secret;
  /** Any Anthropic-compatible endpoint; without it, Anthropic's own. */
  readonly baseUrl?: string | undefined;
  readonly clock: Clock;
}

/** One call, answered whole. @returns the body. @throws AgentError */
export function send(endpoint: Endpoint, call: Call, timeoutMs: number, parent: AbortSignal): Promise<unknown> {
  return request(endpoint, { timeoutMs, parent, streamed: false }, (client, signal) =>
    client.messages.create(call, { signal }),
  );
}

/**
 * One call, streamed into `message`. An endpoint that knows no streams and answers whole is fine too.
 * @returns the body of the same answer. @throws AgentError; lost midway, with the text so far and its cost unknown.
 */
export async function sendStreamed(
  endpoint: Endpoint,
  call: Call,
  timeoutMs: number,
  parent: AbortSignal,
  message: StreamedMessage,
): Promise<unknown> {
  try {
    return await request(endpoint, { timeoutMs, parent, streamed: true }, async (client, signal, transport) => {
      const events = await client.messages.create({ ...call, stream: true }, { signal });
      for await (const event of events) {
        message.take(event);
        if (message.hasStopped) break;
      }
      if (message.isWhole) return message.body;
      // The SDK ends an aborted stream without a word.
      if (signal.aborted) throw new Error('aborted');
      const { answered, unstreamed } = transport.failure();
      if (answered && unstreamed !== null) return unstreamed;
      if (message.hasBegun) throw new Error('the stream ended before its time');
      throw new AgentError('unavailable', 'model.no_answer');
    });
  } catch (error) {
    if (message.listenerFailure !== null) throw message.listenerFailure.error;
    if (!(error instanceof AgentError) || !message.hasBegun) throw error;
    if (message.isWhole) return message.body;
    const { fault, message: code, retryAfterSeconds } = error;
    throw new AgentError(fault, code, {
      cause: error,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      usage: null,
      partial: readableText(message.text).text,
    });
  }
}

async function request<T>(
  { apiKey, baseUrl, clock }: Endpoint,
  { timeoutMs, parent, streamed }: { timeoutMs: number; parent: AbortSignal; streamed: boolean },
  use: (client: Anthropic, signal: AbortSignal, transport: Transport) => Promise<T>,
): Promise<T> {
  const timeout = withTimeout(clock, timeoutMs, parent);
  const transport = openTransport(streamed);
  try {
    const { default: Sdk } = await import('@anthropic-ai/sdk');
    const client = new Sdk({
      apiKey: apiKey.expose(),
      // Other endpoints may still want the key where the API had it for years.
      ...(baseUrl === undefined ? {} : { baseURL: baseUrl, defaultHeaders: { 'x-api-key': apiKey.expose() } }),
      maxRetries: 0,
      timeout: timeoutMs * 2, // ours comes first; the SDK's own only keeps it from objecting to a long call
      logLevel: 'off',
      fetch: transport.fetch,
    });
    return await use(client, timeout.signal, transport);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const failure = transport.failure();
    // The SDK never tried to send: the key or the address is malformed.
    if (!failure.tried && !parent.aborted)
      throw new AgentError('unavailable', 'model.key_refused', { cause: error, usage: NO_USAGE });
    if (failure.status !== null)
      throw faultOfStatus(failure.status, failure.retryAfter, clock.now() * 1000, failure.detail);
    // The answer came whole and is no JSON.
    if (failure.answered) throw new AgentError('unavailable', 'model.no_answer', { cause: error });
    const midway = faultInside(error);
    if (midway !== null) throw midway;
    throw faultOfConnection(failure.error ?? error, timeout.signal.aborted && !parent.aborted);
  } finally {
    timeout.done();
  }
}

/** What the SDK throws for an event that is an error has the event's data as `error`. */
function faultInside(thrown: unknown): AgentError | null {
  if (typeof thrown !== 'object' || thrown === null || !('error' in thrown) || thrown.error === undefined) return null;
  const unreadable = { type: '', message: '', code: null, status: null };
  return faultOfDetail(readErrorDetail(thrown.error) ?? unreadable);
}
