import { readErrorDetail, faultOfDetail } from './faults.ts';

/** Text that has grown by so much is shown, though no line has ended. Characters. */
const SHOW_EVERY = 200;

/**
 * A streamed answer put together again: the events of the Messages API (message_start … message_stop) become the body
 * that the same call would have had, had it not been streamed. Usage is cumulative: what an event says replaces what
 * was said before, and what it leaves out stays.
 */
export class StreamedMessage {
  readonly #onText: (rawText: string) => void;
  readonly #blocks: { type: string; text: string }[] = [];
  #model: unknown;
  #usage: Record<string, unknown> = {};
  /** `message_start` has a placeholder for the output: without a later word there is no bill. */
  #isUsageFinal = false;
  #stopReason: unknown = null;
  #stopDetails: unknown = null;
  #hasBegun = false;
  #hasStopped = false;
  #shownLength = 0;
  #length = 0;
  #listenerFailure: { readonly error: unknown } | null = null;

  /** `onText`: the whole raw text so far, at the ends of lines and at least every `SHOW_EVERY` characters. */
  constructor(onText: (rawText: string) => void) {
    this.#onText = onText;
  }

  /** @throws AgentError for an event that is an error, as its status says; RangeError for more blocks than an answer has. */
  take(event: unknown): void {
    const detail = readErrorDetail(event);
    if (detail !== null) throw faultOfDetail(detail);
    const { type, message, index, content_block: block, delta, usage } = record(event);
    switch (type) {
      case 'message_start':
        this.#hasBegun = true;
        this.#model = record(message)['model'];
        this.#usage = said(record(message)['usage']);
        return;
      case 'content_block_start':
        return this.#append(index, String(record(block)['type']), record(block)['text']);
      case 'content_block_delta':
        return this.#append(index, null, record(delta)['text']);
      case 'message_delta': {
        const { stop_reason, stop_details } = record(delta);
        this.#stopReason = stop_reason ?? this.#stopReason;
        this.#stopDetails = stop_details ?? this.#stopDetails;
        const more = said(usage);
        if (more['output_tokens'] !== undefined) this.#isUsageFinal = true;
        this.#usage = { ...this.#usage, ...more };
        return;
      }
      case 'message_stop':
        this.#hasStopped = true;
        return;
      default: // pings, and kinds of events that are not known yet
    }
  }

  /** Has anything come of it? Then it may have cost tokens. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** What the listener threw, where it did: the stream is not at fault. */
  get listenerFailure(): { readonly error: unknown } | null {
    return this.#listenerFailure;
  }

  /** Did it say how it ended, and what it cost? What is lost after that is nothing. */
  get isWhole(): boolean {
    return this.#hasStopped || (this.#stopReason !== null && this.#isUsageFinal);
  }

  get hasStopped(): boolean {
    return this.#hasStopped;
  }

  /** The raw text so far. */
  get text(): string {
    return this.#blocks.map((block) => block.text).join(''); // of blocks that are no text it is empty
  }

  /** The body of the same answer, not streamed. */
  get body(): unknown {
    return {
      model: this.#model,
      content: this.#blocks,
      stop_reason: this.#stopReason,
      stop_details: this.#stopDetails,
      usage: this.#isUsageFinal ? this.#usage : undefined,
    };
  }

  #append(index: unknown, type: string | null, text: unknown): void {
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > this.#blocks.length)
      throw new RangeError('stream: a block out of turn');
    if (this.#blocks.length >= 1000) throw new RangeError('stream: too many blocks');
    const block = (this.#blocks[index] ??= { type: type ?? 'text', text: '' });
    // Thinking has its text elsewhere, a tool's input too.
    if (block.type !== 'text' || typeof text !== 'string' || text === '') return;
    block.text += text;
    this.#length += text.length;
    if (!text.includes('\n') && this.#length - this.#shownLength < SHOW_EVERY) return;
    this.#shownLength = this.#length;
    try {
      this.#onText(this.text);
    } catch (error) {
      this.#listenerFailure = { error };
      throw error;
    }
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The fields that say something. */
function said(usage: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record(usage)).filter(([, value]) => value !== null && value !== undefined));
}
