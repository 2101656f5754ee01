import type { AnthropicScript } from '../fakes/anthropic.ts';

/**
 * Answers of the Messages API in the form in which they come, written short.
 */

export interface Answer {
  readonly text?: string;
  readonly content?: readonly unknown[];
  readonly stop?: string | null;
  readonly details?: unknown;
  /** What the endpoint says that answered. */
  readonly model?: string;
}

export const TEXT = 'First it is scattered.\n\nThen it is seen.';

/** Usage as the API's own endpoint has it, with every field. */
export function usage(
  input_tokens: number,
  cache_creation_input_tokens: number,
  cache_read_input_tokens: number,
  output_tokens: number,
  more: object = {},
): object {
  return {
    input_tokens,
    cache_creation_input_tokens,
    cache_read_input_tokens,
    cache_creation: { ephemeral_5m_input_tokens: cache_creation_input_tokens, ephemeral_1h_input_tokens: 0 },
    output_tokens,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: 'standard',
    speed: 'standard',
    inference_geo: 'global',
    ...more,
  };
}

export const refusal = (category: unknown): Answer => ({
  content: [],
  stop: 'refusal',
  details: { type: 'refusal', category, explanation: null },
});

/** Not streamed. */
export function whole(used: unknown, answer: Answer = {}): AnthropicScript {
  const { content, stop, details, model } = forms(answer);
  return {
    do: 'body',
    body: {
      id: 'msg_01',
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: stop,
      stop_sequence: null,
      stop_details: details,
      usage: used,
    },
  };
}

/** Streamed: what the first event says of usage, and what the last does. */
export function streamed(start: unknown, end: unknown, answer: Answer = {}): AnthropicScript {
  return { do: 'events', events: events(start, end, answer) };
}

export function events(start: unknown, end: unknown, answer: Answer = {}): unknown[] {
  const { content, stop, details, model } = forms(answer);
  return [
    ...begun(start, model),
    ...content.flatMap((block, index) => blockEvents(block as Record<string, unknown>, index)),
    {
      type: 'message_delta',
      delta: { stop_reason: stop, stop_sequence: null, stop_details: details },
      ...(end === undefined ? {} : { usage: end }),
    },
    { type: 'message_stop' },
  ];
}

/** A stream up to its first text. */
export function begun(start: unknown, model = 'claude'): unknown[] {
  return [
    {
      type: 'message_start',
      message: {
        id: 'msg_01',
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: start,
      },
    },
    { type: 'ping' },
  ];
}

export function blockEvents(block: Record<string, unknown>, index: number): unknown[] {
  const deltas =
    block['type'] === 'thinking'
      ? [
          { type: 'thinking_delta', thinking: block['thinking'] },
          { type: 'signature_delta', signature: 'c2ln' },
        ]
      : block['type'] === 'text'
        ? halves(String(block['text'])).map((text) => ({ type: 'text_delta', text }))
        : [];
  const empty = { ...block, ...(block['type'] === 'text' ? { text: '' } : {}) };
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

/** In the middle of a character, where that can be. */
function halves(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

function forms({ text = TEXT, content, stop = 'end_turn', details = null, model = 'claude' }: Answer) {
  return { content: content ?? [{ type: 'text', text }], stop, details, model };
}
