import { z } from 'zod';
import { cleanLine, cleanText } from '../../lib/clean-text.ts';
import { OutsideError } from '../../lib/errors.ts';
import type { Evaluation, TokenUsage, Work } from '../../ports/agent.ts';

/** What the call was allowed to cost: a report outside it is absurd. */
export interface CallBounds {
  /** UTF-8 bytes of everything that was sent. No tokenizer makes more tokens than bytes. */
  readonly sentBytes: number;
  readonly maxTokens: number;
}

/** Tokens that the API itself may add around our text: message framing and the schema's own prompt. */
const FRAMING_TOKENS = 4096;

/** An answer longer than this is cut, whatever the tokens say. Characters. */
const MAX_TEXT = 262_144;

const MAX_REASON = 500;

const tokenCount = z.int().min(0);

const messageSchema = z.object({
  model: z.string().max(200),
  content: z.array(z.looseObject({ type: z.string() })).max(1000),
  stop_reason: z.string().nullable(),
  usage: z.unknown().optional(),
});

const usageSchema = z.object({
  input_tokens: tokenCount,
  output_tokens: tokenCount,
  cache_creation_input_tokens: tokenCount.nullish(),
  cache_read_input_tokens: tokenCount.nullish(),
});

const verdictSchema = z.strictObject({ accept: z.boolean(), reason: z.string() });

type Message = z.infer<typeof messageSchema>;

/**
 * The evaluator's verdict: structured output, or the input of a tool call. JSON in fences or prose is no verdict.
 * @throws OutsideError `rejected`: `model.refused`, `model.bad_output`, `model.bad_usage`.
 */
export function readEvaluation(body: unknown, bounds: CallBounds): Evaluation {
  const message = readMessage(body);
  const usage = readUsage(message.usage, bounds);
  if (message.stop_reason === 'refusal') throw rejected('model.refused');
  // Cut by max_tokens, paused or unknown: even if what came parses, it is not what the model meant to say.
  if (!['end_turn', 'stop_sequence', 'tool_use'].includes(message.stop_reason ?? ''))
    throw rejected('model.bad_output');

  const tool = message.content.find((block) => block.type === 'tool_use');
  const verdict = verdictSchema.safeParse(tool === undefined ? parseJson(textOf(message)) : tool['input']);
  if (!verdict.success) throw rejected('model.bad_output');
  return {
    accept: verdict.data.accept,
    reason: cleanLine(verdict.data.reason, MAX_REASON),
    model: message.model,
    usage,
  };
}

/**
 * The worker's text. An answer cut by its bound (or the model's own) is an answer, marked `cut`.
 * @throws OutsideError `rejected`: `model.refused`, `model.empty`, `model.bad_output`, `model.bad_usage`.
 */
export function readWork(body: unknown, bounds: CallBounds): Work {
  const message = readMessage(body);
  const usage = readUsage(message.usage, bounds);
  const text = cleanText(textOf(message)).trim();
  switch (message.stop_reason) {
    case 'end_turn':
    case 'stop_sequence':
    case 'max_tokens':
    case 'model_context_window_exceeded':
      break;
    case 'refusal':
      throw rejected('model.refused');
    default: // tool_use and pause_turn want something of us that was never offered; others are not known
      throw rejected('model.bad_output');
  }
  if (text === '') throw rejected('model.empty');
  const stoppedShort = message.stop_reason === 'max_tokens' || message.stop_reason === 'model_context_window_exceeded';
  return {
    text: text.length > MAX_TEXT ? cleanText(text.slice(0, MAX_TEXT)) : text,
    cut: stoppedShort || text.length > MAX_TEXT,
    model: message.model,
    usage,
  };
}

function readMessage(body: unknown): Message {
  const message = messageSchema.safeParse(body);
  if (!message.success) throw rejected('model.bad_output');
  return message.data;
}

function readUsage(reported: unknown, bounds: CallBounds): TokenUsage {
  const usage = usageSchema.safeParse(reported);
  if (!usage.success) throw rejected('model.bad_usage');
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } = usage.data;
  const inputTokens = input_tokens + (cache_creation_input_tokens ?? 0) + (cache_read_input_tokens ?? 0);
  if (inputTokens > bounds.sentBytes + FRAMING_TOKENS || output_tokens > bounds.maxTokens) {
    throw rejected('model.bad_usage');
  }
  return { inputTokens, outputTokens: output_tokens };
}

function textOf(message: Message): string {
  return message.content
    .filter((block) => block.type === 'text')
    .map((block) => (typeof block['text'] === 'string' ? block['text'] : ''))
    .join('');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rejected(code: string): OutsideError {
  return new OutsideError('rejected', code);
}
