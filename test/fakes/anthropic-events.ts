import type { ServerResponse } from 'node:http';

/** Characters of text in one event. */
const PIECE = 24;

/** A whole answer as the Messages API streams it. The usage of `message_start` is a placeholder; `message_delta` has all of it. */
export function eventsOf(body: Record<string, unknown>): unknown[] {
  const { content, stop_reason, stop_sequence, stop_details, usage, ...rest } = body;
  const blocks = content as readonly Record<string, unknown>[];
  const start = usage === undefined ? undefined : { ...(usage as object), output_tokens: 1 };
  return [
    {
      type: 'message_start',
      message: { ...rest, content: [], stop_reason: null, stop_sequence: null, usage: start },
    },
    { type: 'ping' },
    ...blocks.flatMap((block, index) => blockEvents(block, index)),
    { type: 'message_delta', delta: { stop_reason, stop_sequence, stop_details }, usage },
    { type: 'message_stop' },
  ];
}

function blockEvents(block: Record<string, unknown>, index: number): unknown[] {
  const text = typeof block['text'] === 'string' ? block['text'] : '';
  const characters = [...text];
  const pieces: unknown[] = [];
  for (let at = 0; at < characters.length; at += PIECE) {
    const delta = { type: 'text_delta', text: characters.slice(at, at + PIECE).join('') };
    pieces.push({ type: 'content_block_delta', index, delta });
  }
  const empty = block['type'] === 'text' ? { ...block, text: '' } : block;
  return [
    { type: 'content_block_start', index, content_block: empty },
    ...pieces,
    { type: 'content_block_stop', index },
  ];
}

/** Server-sent events, named by their type. A string is written as it is. `hang`: the connection stays open, and nothing more comes. */
export function writeEvents(
  response: ServerResponse,
  events: readonly unknown[],
  then: 'end' | 'reset' | 'hang',
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const text = events.map((event) => (typeof event === 'string' ? event : eventText(event))).join('');
  response.write(text, () => {
    if (then === 'end') response.end();
    if (then === 'reset') response.destroy();
  });
}

function eventText(event: unknown): string {
  const { type } = event as { readonly type: string };
  return `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
}
