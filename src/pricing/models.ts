import { EVALUATION_MAX_TOKENS } from '../ports/agent.ts';

/**
 * The models we know, as data. List prices, tokenizers, thinking and terms as platform.claude.com has them in its
 * pages models/overview, about-claude/pricing, thinking and prompt-caching: read 22 August to November 2026, prices
 * last on 24 October 2026. To add a model: a row, and the names that compatible endpoints give it.
 */

/** The day on which the list prices below were last compared with the page. */
export const LIST_PRICES_OF = '2026-10-24';

/** USD per 1,000 tokens, as decimals, of the four classes that the API counts. */
export interface ClassRates {
  /** Uncached input. */
  readonly inRate: string;
  readonly outRate: string;
  /** Input written to the cache for five minutes. */
  readonly cacheWriteRate: string;
  readonly cacheReadRate: string;
}

/** A prompt (all three classes of input) longer than this puts its whole request, output too, on these rates. */
export interface Band extends ClassRates {
  readonly abovePromptTokens: number;
}

export interface KnownModel {
  readonly id: string;
  /** Other names of it: dated snapshots, and what compatible endpoints call it at the same price. */
  readonly aliases: readonly string[];
  readonly list: ClassRates;
  readonly band: Band | null;
  /** Tokens that its tokenizer makes of a text, in percent of what ours were guessed by (`estimateTokens`). */
  readonly tokenizerPct: number;
  /**
   * The least thinking that it allows: none at all; none where no tools are offered, as here; or always some, at
   * effort `low`.
   */
  readonly thinking: 'disabled' | 'between_tools' | 'always';
  /** Does it think where nothing is said? */
  readonly thinksByDefault: boolean;
  /** A shorter prefix is silently not cached. Tokens. */
  readonly minCacheableTokens: number;
  /** It may be retired from this day on (UTC). */
  readonly notRetiredBefore: string;
}

const rates = (inRate: string, outRate: string, cacheWriteRate: string, cacheReadRate: string): ClassRates => ({
  inRate,
  outRate,
  cacheWriteRate,
  cacheReadRate,
});

const MODELS: readonly KnownModel[] = [
  {
    id: 'claude-haiku-4-5',
    aliases: ['claude-haiku-4-5-20251001', 'anthropic/claude-haiku-4.5', 'anthropic/claude-haiku-4-5'],
    list: rates('0.001', '0.005', '0.00125', '0.0001'),
    band: null,
    tokenizerPct: 100,
    thinking: 'disabled',
    thinksByDefault: false,
    minCacheableTokens: 4096,
    notRetiredBefore: '2026-10-15',
  },
  {
    id: 'claude-sonnet-4-6',
    aliases: ['anthropic/claude-sonnet-4.6', 'anthropic/claude-sonnet-4-6'],
    list: rates('0.003', '0.015', '0.00375', '0.0003'),
    band: null,
    tokenizerPct: 100,
    thinking: 'disabled',
    thinksByDefault: false,
    minCacheableTokens: 1024,
    notRetiredBefore: '2027-02-17',
  },
  {
    id: 'claude-sonnet-5',
    aliases: ['anthropic/claude-sonnet-5'],
    list: rates('0.002', '0.01', '0.0025', '0.0002'),
    band: null,
    tokenizerPct: 130,
    thinking: 'disabled',
    thinksByDefault: true,
    minCacheableTokens: 1024,
    notRetiredBefore: '2027-06-30',
  },
  {
    id: 'claude-haiku-5-5',
    aliases: ['anthropic/claude-haiku-5.5', 'anthropic/claude-haiku-5-5'],
    list: rates('0.0001', '0.0005', '0.000125', '0.00001'),
    band: { abovePromptTokens: 100_000, ...rates('0.0005', '0.0025', '0.000625', '0.00005') },
    tokenizerPct: 130,
    thinking: 'disabled',
    thinksByDefault: true,
    minCacheableTokens: 512,
    notRetiredBefore: '2027-10-07',
  },
  {
    id: 'claude-sonnet-5-5',
    aliases: ['anthropic/claude-sonnet-5.5', 'anthropic/claude-sonnet-5-5'],
    list: rates('0.002', '0.01', '0.0025', '0.0001'),
    band: null,
    tokenizerPct: 130,
    thinking: 'between_tools',
    thinksByDefault: true,
    minCacheableTokens: 512,
    notRetiredBefore: '2027-09-28',
  },
  {
    id: 'claude-opus-5-5',
    aliases: ['anthropic/claude-opus-5.5', 'anthropic/claude-opus-5-5'],
    list: rates('0.004', '0.02', '0.005', '0.0002'),
    band: null,
    tokenizerPct: 130,
    thinking: 'always',
    thinksByDefault: true,
    minCacheableTokens: 512,
    notRetiredBefore: '2027-09-22',
  },
];

const BY_NAME: ReadonlyMap<string, KnownModel> = new Map(
  MODELS.flatMap((model) => [model.id, ...model.aliases].map((name) => [name, model] as const)),
);

/** The model of this name, its own or a compatible endpoint's; undefined: nothing is known of it. */
export function findModel(name: string): KnownModel | undefined {
  return BY_NAME.get(name);
}

/** What is not known is taken for a model of today: what a quote guessed too high goes back to the customer. */
const UNKNOWN_TOKENIZER_PCT = 130;

/** Tokens that the model makes of what another (`estimateTokens`) would make `tokens` of, rounded up. */
export function tokensIn(model: string, tokens: number): number {
  return Math.ceil((tokens * (findModel(model)?.tokenizerPct ?? UNKNOWN_TOKENIZER_PCT)) / 100);
}

/** Our own guess: what an answer's thinking takes at effort `low`. */
const ALWAYS_THINKING_TOKENS = 1024;

/** Tokens of thinking that a quote must pay for, because the model cannot be kept from it. They count as output. */
export function thinkingTokensOf(model: string): number {
  return findModel(model)?.thinking === 'always' ? ALWAYS_THINKING_TOKENS : 0;
}

/** So much more than its answer a call is allowed where the model might think: what is not used costs nothing. */
const THINKING_ROOM_TOKENS = 2048;

/** What `max_tokens` of a short call has to hold beside the answer, so that thinking does not eat it whole. */
export function thinkingRoomOf(model: string): number {
  return findModel(model)?.thinking === 'disabled' ? 0 : THINKING_ROOM_TOKENS;
}

/** Bound on the output of an evaluation by this model, thinking included. Tokens. */
export function evaluationMaxTokens(model: string): number {
  return EVALUATION_MAX_TOKENS + thinkingRoomOf(model);
}
