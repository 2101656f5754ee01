import { z } from 'zod';
import { cleanLine, cleanText } from '../../lib/clean-text.ts';
import { AgentError, inputTokensOf, NO_USAGE, type Evaluation, type TokenUsage, type Work } from '../../ports/agent.ts';
import { faultOfDetail, readErrorDetail } from './faults.ts';

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
  stop_details: z.object({ category: z.string().nullish() }).nullish().catch(null),
  usage: z.unknown().optional(),
});

const usageSchema = z.object({
  input_tokens: tokenCount,
  /** Thinking (`output_tokens_details.thinking_tokens`) is in it. */
  output_tokens: tokenCount,
  cache_creation_input_tokens: tokenCount.nullish(),
  /** The same by how long it is kept. We ask for five minutes. */
  cache_creation: z
    .object({
      ephemeral_5m_input_tokens: tokenCount.nullish(),
      ephemeral_1h_input_tokens: tokenCount.nullish(),
    })
    .nullish(),
  cache_read_input_tokens: tokenCount.nullish(),
});

const verdictSchema = z.strictObject({ accept: z.boolean(), reason: z.string() });

type Message = z.infer<typeof messageSchema>;

/**
 * The evaluator's verdict: structured output, or the input of a tool call. JSON in fences or prose is no verdict.
 * @throws AgentError as `ports/agent.ts` says.
 */
export function readEvaluation(body: unknown, bounds: CallBounds): Evaluation {
  const message = readMessage(body);
  const usage = readUsage(message, bounds);
  if (message.stop_reason === 'refusal') throw rejected('model.refused', costOfRefusal(message, usage));
  // Cut by max_tokens, paused or unknown: even if what came parses, it is not what the model meant to say.
  if (!['end_turn', 'stop_sequence', 'tool_use'].includes(message.stop_reason ?? ''))
    throw rejected('model.bad_output', usage);

  const tool = message.content.find((block) => block.type === 'tool_use');
  const verdict = verdictSchema.safeParse(tool === undefined ? parseJson(textOf(message)) : tool['input']);
  if (!verdict.success) throw rejected('model.bad_output', usage);
  return {
    accept: verdict.data.accept,
    reason: cleanLine(verdict.data.reason, MAX_REASON),
    model: message.model,
    usage,
  };
}

/**
 * The worker's text. An answer cut by its bound (or the model's own) is an answer, marked `cut`.
 * @throws AgentError as `ports/agent.ts` says.
 */
export function readWork(body: unknown, bounds: CallBounds): Work {
  const message = readMessage(body);
  const usage = readUsage(message, bounds);
  const { text, cut } = readableText(textOf(message));
  switch (message.stop_reason) {
    case 'end_turn':
    case 'stop_sequence':
    case 'max_tokens':
    case 'model_context_window_exceeded':
      break;
    case 'refusal':
      throw rejected('model.refused', costOfRefusal(message, usage));
    default: // tool_use and pause_turn want something of us that was never offered; others are not known
      throw rejected('model.bad_output', usage);
  }
  if (text === '') throw rejected('model.empty', usage);
  const stoppedShort = message.stop_reason === 'max_tokens' || message.stop_reason === 'model_context_window_exceeded';
  return {
    text,
    cut: stoppedShort || cut,
    model: message.model,
    usage,
  };
}

/** What a person reads of the model's text. Of the beginning of a text it makes the beginning of what it makes of the whole. */
export function readableText(raw: string): { readonly text: string; readonly cut: boolean } {
  // Half a character may be waiting for its other half.
  const text = cleanText(raw.replace(/[\uD800-\uDBFF]$/, '')).trim();
  return text.length > MAX_TEXT
    ? { text: text.slice(0, MAX_TEXT).replace(/[\uD800-\uDBFF]$/, ''), cut: true }
    : { text, cut: false };
}

/** @throws AgentError `unavailable` for what is no answer at all, or an error in the clothes of a success. */
function readMessage(body: unknown): Message {
  const detail = readErrorDetail(body);
  if (detail !== null) throw faultOfDetail(detail);
  if (typeof body !== 'object' || body === null || !('content' in body))
    throw new AgentError('unavailable', 'model.no_answer');
  const message = messageSchema.safeParse(body);
  if (!message.success) throw rejected('model.bad_output', null);
  return message.data;
}

/** Tokens that a text cannot have cost, nothing among them, are no report. */
function readUsage(message: Message, bounds: CallBounds): TokenUsage {
  const usage = usageSchema.safeParse(message.usage);
  if (!usage.success) throw rejected('model.bad_usage', null);
  const { input_tokens, output_tokens, cache_creation: split, cache_read_input_tokens } = usage.data;
  const writtenInParts = (split?.ephemeral_5m_input_tokens ?? 0) + (split?.ephemeral_1h_input_tokens ?? 0);
  const classes = {
    inputTokens: input_tokens,
    // Some endpoints give the parts alone.
    cacheWriteTokens: Math.max(usage.data.cache_creation_input_tokens ?? 0, writtenInParts),
    cacheReadTokens: cache_read_input_tokens ?? 0,
    outputTokens: output_tokens,
  };
  const given = inputTokensOf(classes);
  const isFree = message.content.length > 0 && (given === 0 || output_tokens === 0);
  if (isFree || given > bounds.sentBytes + FRAMING_TOKENS || output_tokens > bounds.maxTokens) {
    throw rejected('model.bad_usage', null);
  }
  return classes;
}

/** Refused before any output, some categories are not billed; what others will be is not ours to hope. */
const FREE_REFUSALS: readonly (string | null | undefined)[] = ['cyber', 'general_harms', null];

function costOfRefusal({ content, stop_details }: Message, usage: TokenUsage): TokenUsage {
  const isFree = content.length === 0 && stop_details != null && FREE_REFUSALS.includes(stop_details.category);
  return isFree ? NO_USAGE : usage;
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

/** `usage`: null where what it cost is not known. */
function rejected(code: string, usage: TokenUsage | null): AgentError {
  return new AgentError('rejected', code, { usage });
}
