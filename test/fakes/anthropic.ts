import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPromptCache, type PromptBody, type PromptUsage } from './anthropic-cache.ts';
import { eventsOf, writeEvents } from './anthropic-events.ts';

/** What the fake does with one call. Default: accept, and answer with a sentence. */
export type AnthropicScript =
  | { readonly do: 'accept' | 'reject'; readonly reason?: string }
  | {
      readonly do: 'answer';
      readonly text: string;
      readonly outputTokens?: number;
      readonly stopReason?: string | null;
    }
  /** A verdict in prose, in fences, with extra fields, …: any text where structured output was asked for. */
  | { readonly do: 'raw-text'; readonly text: string; readonly stopReason?: string }
  | { readonly do: 'tool-use'; readonly input: unknown }
  /** Any body with status 200; an answer without one of its fields; a page of something between. */
  | { readonly do: 'body'; readonly body: unknown }
  | { readonly do: 'strip'; readonly field: string }
  | { readonly do: 'page'; readonly status: number }
  /** Refuses before any output, or after `text`. */
  | { readonly do: 'refusal'; readonly category?: string | null; readonly text?: string }
  /** A stream as it was recorded, event by event, and how its connection ends. */
  | { readonly do: 'events'; readonly events: readonly unknown[]; readonly then?: 'end' | 'reset' | 'hang' }
  | { readonly do: 'empty' | 'stream' | 'truncated-json' | 'not-json' | 'no-usage' | 'redirect' }
  | { readonly do: 'usage'; readonly usage: unknown }
  | {
      readonly do: 'status';
      readonly status: number;
      readonly retryAfter?: string;
      readonly message?: string;
      readonly code?: string;
    }
  /** Answers when `release()` is called (or never). */
  | { readonly do: 'hang' }
  /** Closes the connection at the first byte, or after billing, in the middle of the answer (streamed: after half the text). */
  | { readonly do: 'reset-before-reading' | 'reset-after-answering' };

export interface AnthropicCall {
  readonly role: 'eval' | 'work';
  readonly headers: IncomingMessage['headers'];
  readonly body: AnthropicBody;
  /** What the model's provider would bill for it, whether or not the answer arrived. */
  readonly billed: PromptUsage & { readonly outputTokens: number };
}

interface AnthropicBody extends PromptBody {
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly thinking?: { readonly type: string };
  readonly output_config?: {
    readonly effort?: string;
    readonly format?: { readonly type: string; readonly schema: unknown };
  };
}

export interface FakeAnthropic {
  readonly url: string;
  /** Everything that was asked, oldest first: the fake's own books. */
  readonly calls: readonly AnthropicCall[];
  /** What the next call of this role does; queued, each used once. */
  next(role: 'eval' | 'work', ...scripts: AnthropicScript[]): void;
  /** What every call of this role does from now on, when nothing is queued. */
  always(role: 'eval' | 'work', script: AnthropicScript): void;
  /** Resolves when `count` calls have been received. */
  received(count: number): Promise<void>;
  /** Lets every call that hangs answer. */
  release(): void;
  close(): Promise<void>;
}

/** A Messages API on 127.0.0.1 (POST /v1/messages). It tells evaluation from work by `output_config`. */
export async function startFakeAnthropic(): Promise<FakeAnthropic> {
  const calls: AnthropicCall[] = [];
  const cache = createPromptCache();
  const queue: Record<'eval' | 'work', AnthropicScript[]> = { eval: [], work: [] };
  const standing: Record<'eval' | 'work', AnthropicScript> = {
    eval: { do: 'accept' },
    work: { do: 'answer', text: 'A fair answer to a fair question.' },
  };
  const hanging: (() => void)[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];

  const server: Server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' || request.url !== '/v1/messages') {
      return json(response, 404, { type: 'error', error: { type: 'not_found_error', message: 'no such path' } });
    }
    // Which script applies is known only from the body, except for the one that never reads it.
    if (queue.work[0]?.do === 'reset-before-reading' || queue.eval[0]?.do === 'reset-before-reading') {
      (queue.work[0]?.do === 'reset-before-reading' ? queue.work : queue.eval).shift();
      request.socket.destroy();
      return;
    }
    const body = await bodyOf(request);
    const role = body.output_config?.format === undefined ? 'work' : 'eval';
    const script = queue[role].shift() ?? standing[role];
    const message = messageFor(script, body);
    const refused = ['status', 'redirect', 'page'].includes(script.do);
    const prompt = refused ? { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 } : cache.take(body);
    const billed = { ...prompt, outputTokens: refused ? 0 : message.outputTokens };
    calls.push({ role, headers: request.headers, body, billed });
    for (const waiter of waiting.filter((w) => w.count <= calls.length)) waiter.resolve();
    if (script.do === 'hang') {
      await new Promise<void>((resolve) => hanging.push(resolve));
    }
    reply(script, message, { prompt, streamed: body.stream === true }, response);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    next: (role, ...scripts) => void queue[role].push(...scripts),
    always: (role, script) => void (standing[role] = script),
    received: (count) =>
      new Promise((resolve) => {
        if (calls.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    release: () => hanging.splice(0).forEach((go) => go()),
    close: () =>
      new Promise((resolve) => {
        hanging.splice(0).forEach((go) => go());
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface FakeMessage {
  readonly content: readonly Record<string, unknown>[];
  readonly stopReason: string | null;
  readonly outputTokens: number;
  readonly stopDetails?: unknown;
}

function messageFor(script: AnthropicScript, body: AnthropicBody): FakeMessage {
  const text = (value: string, stopReason: string | null = 'end_turn', outputTokens = tokensOf(value)): FakeMessage => {
    if (outputTokens <= body.max_tokens) return { content: [{ type: 'text', text: value }], stopReason, outputTokens };
    const kept = [...value].slice(0, body.max_tokens * 4).join('');
    return { content: [{ type: 'text', text: kept }], stopReason: 'max_tokens', outputTokens: body.max_tokens };
  };
  const verdict = (accept: boolean, reason: string): FakeMessage => text(JSON.stringify({ accept, reason }));
  switch (script.do) {
    case 'accept':
      return verdict(true, script.reason ?? 'This can be done.');
    case 'reject':
      return verdict(false, script.reason ?? 'This cannot be done in one written answer.');
    case 'answer':
      return text(script.text, script.stopReason, script.outputTokens);
    case 'raw-text':
      return text(script.text, script.stopReason);
    case 'tool-use':
      return {
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'verdict', input: script.input }],
        stopReason: 'tool_use',
        outputTokens: 20,
      };
    case 'refusal':
      return {
        content: script.text === undefined ? [] : [{ type: 'text', text: script.text }],
        stopReason: 'refusal',
        outputTokens: tokensOf(script.text ?? ''),
        ...(script.category === undefined
          ? {}
          : { stopDetails: { type: 'refusal', category: script.category, explanation: null } }),
      };
    case 'empty':
      return { content: [{ type: 'text', text: ' \n' }], stopReason: 'end_turn', outputTokens: 1 };
    default:
      return body.output_config?.format === undefined ? text('A late answer.') : verdict(true, 'This can be done.');
  }
}

interface Asked {
  readonly prompt: PromptUsage;
  readonly streamed: boolean;
}

function reply(script: AnthropicScript, message: FakeMessage, asked: Asked, response: ServerResponse): void {
  const { prompt } = asked;
  const body = {
    id: 'msg_fake',
    type: 'message',
    role: 'assistant',
    model: 'fake-model',
    content: message.content,
    stop_reason: message.stopReason,
    stop_sequence: null,
    stop_details: message.stopDetails ?? null,
    usage: {
      input_tokens: prompt.inputTokens,
      cache_creation_input_tokens: prompt.cacheWriteTokens,
      cache_read_input_tokens: prompt.cacheReadTokens,
      output_tokens: message.outputTokens,
    },
  };
  switch (script.do) {
    case 'status':
      if (script.retryAfter !== undefined) response.setHeader('retry-after', script.retryAfter);
      return json(response, script.status, {
        type: 'error',
        error: {
          type: 'api_error',
          message: script.message ?? 'as scripted',
          ...(script.code === undefined ? {} : { details: { error_code: script.code } }),
        },
      });
    case 'page':
      return page(response, script.status);
    case 'events':
      return writeEvents(response, script.events, script.then ?? 'end');
    case 'body':
      return json(response, 200, script.body);
    case 'strip':
      return json(response, 200, { ...body, [script.field]: undefined });
    case 'stream':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.end(
        `event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message: body })}\n\n`,
      );
    case 'redirect':
      response.setHeader('location', '/elsewhere');
      return json(response, 307, {});
    case 'no-usage':
      return answer(response, { ...body, usage: undefined }, asked);
    case 'usage':
      return answer(response, { ...body, usage: script.usage }, asked);
    case 'truncated-json':
      return raw(response, JSON.stringify(body).slice(0, -20));
    case 'not-json':
      response.writeHead(200, { 'content-type': 'text/html' });
      return void response.end('<html>welcome</html>');
    case 'reset-after-answering': {
      if (asked.streamed) {
        const events = eventsOf(body);
        return writeEvents(response, events.slice(0, Math.ceil(events.length / 2)), 'reset');
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
      response.write(JSON.stringify(body).slice(0, 50), () => response.destroy());
      return;
    }
    default:
      return answer(response, body, asked);
  }
}

function answer(response: ServerResponse, body: Record<string, unknown>, { streamed }: Asked): void {
  if (streamed) writeEvents(response, eventsOf(body), 'end');
  else json(response, 200, body);
}

async function bodyOf(request: IncomingMessage): Promise<AnthropicBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as AnthropicBody;
}

function page(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end('<html>blocked</html>');
}

function tokensOf(text: string): number {
  return Math.max(1, Math.ceil([...text].length / 4));
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function raw(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(body);
}
