import type { AnthropicScript } from '../fakes/anthropic.ts';
import { begun, blockEvents, events, refusal, streamed, TEXT, usage, whole } from './forms.ts';

/** One call to the model as an endpoint answered it, and its bill, worked by hand from the list prices. */
export interface Recorded {
  readonly name: string;
  readonly model: string;
  readonly streamed: boolean;
  readonly script: AnthropicScript;
  /** Billionths of a USD; null: nobody knows, it may be all that was allowed. */
  readonly bill: number | null;
  /** `answer`, `cut`, or the fault. */
  readonly ends: string;
  /** What a stream that was lost had brought. */
  readonly partial?: string;
}

const all: Recorded[] = [];

/** Not streamed, and streamed: the bill is the same. */
function both(name: string, model: string, used: object, bill: number, ends = 'answer', form: object = {}): void {
  all.push({ name, model, streamed: false, script: whole(used, form), bill, ends });
  const start = { ...used, output_tokens: 1 };
  const { output_tokens } = used as { output_tokens: number };
  const end = { output_tokens, input_tokens: null, cache_creation_input_tokens: null, cache_read_input_tokens: null };
  all.push({ name, model, streamed: true, script: streamed(start, end, form), bill, ends });
}
function plain(name: string, model: string, script: AnthropicScript, bill: number | null, ends = 'answer'): void {
  all.push({ name, model, streamed: false, script, bill, ends });
}
function stream(
  name: string,
  model: string,
  script: AnthropicScript,
  bill: number | null,
  ends = 'answer',
  partial?: string,
): void {
  all.push({ name, model, streamed: true, script, bill, ends, ...(partial === undefined ? {} : { partial }) });
}

const HAIKU = 'claude-haiku-4-5';
const SONNET = 'claude-sonnet-4-6';
const HAIKU_5_5 = 'claude-haiku-5-5';
const SONNET_5_5 = 'claude-sonnet-5-5';
const OPUS_5_5 = 'claude-opus-5-5';

// --- by model, uncached and cached. A comment works it out: in + written + read + out.
both('a plain answer', HAIKU, usage(350, 0, 0, 80), 750_000); // 350000 + 400000
both('cached', HAIKU, usage(10, 4096, 4096, 100), 6_039_600); // 10000 + 5120000 + 409600 + 500000
both('a plain answer', SONNET, usage(1200, 0, 0, 400), 9_600_000); // 3600000 + 6000000
both('cached', SONNET, usage(40, 1100, 2300, 600), 13_935_000); // 120000 + 4125000 + 690000 + 9000000
both('a plain answer', 'claude-sonnet-5', usage(1000, 0, 0, 500), 7_000_000); // 2000000 + 5000000
both('cached', 'claude-sonnet-5', usage(10, 2000, 3000, 100), 6_620_000); // 20000 + 5000000 + 600000 + 1000000
both('cached', SONNET_5_5, usage(900, 700, 4000, 1500), 18_950_000); // 1800000 + 1750000 + 400000 + 15000000
both('read alone', SONNET_5_5, usage(0, 0, 5000, 10), 600_000); // 500000 + 100000
both('cached', OPUS_5_5, usage(5, 600, 20_000, 2048), 47_980_000); // 20000 + 3000000 + 4000000 + 40960000
both('a plain answer', HAIKU_5_5, usage(412, 0, 0, 90), 86_200); // 41200 + 45000

// --- the band of a long prompt: all three classes of input make it, all four are dearer
both('the longest prompt of the low band', HAIKU_5_5, usage(100_000, 0, 0, 1000), 10_500_000); // 10000000 + 500000
both('one token more', HAIKU_5_5, usage(100_001, 0, 0, 1000), 52_500_500); // 50000500 + 2500000
both('long by what was cached', HAIKU_5_5, usage(1, 20_000, 80_000, 200), 17_000_500); // 500 + 12500000 + 4000000 + 500000
both('not long, all cached', HAIKU_5_5, usage(0, 50_000, 50_000, 10), 6_755_000); // 6250000 + 500000 + 5000
both('long, on a model without a band', SONNET, usage(150_000, 0, 0, 10), 450_150_000); // 450000000 + 150000

// --- thinking is in the output: never added
const thought = (n: number): object => ({ output_tokens_details: { thinking_tokens: n } });
const thinking = (...more: unknown[]): object => ({
  content: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }, ...more],
});
const answer = { type: 'text', text: TEXT };
both('thought before it spoke', OPUS_5_5, usage(50, 0, 0, 1200, thought(1000)), 24_200_000, 'answer', thinking(answer));
both('thought unasked', HAIKU_5_5, usage(200, 0, 0, 300, thought(250)), 170_000, 'answer', thinking(answer)); // 20000 + 150000
both('thinking withheld', SONNET_5_5, usage(100, 0, 0, 50), 700_000, 'answer', {
  content: [{ type: 'redacted_thinking', data: 'x' }, answer],
});
both('eaten whole by thinking', OPUS_5_5, usage(100, 0, 0, 3000, thought(3000)), 60_400_000, 'rejected model.empty', {
  ...thinking(),
  stop: 'max_tokens',
});

// --- refused before any output: by its category
for (const category of ['bio', 'frontier_llm', 'reasoning_extraction', 'unheard_of'])
  both(`refused: ${category}`, SONNET_5_5, usage(412, 0, 0, 0), 824_000, 'rejected model.refused', refusal(category));
for (const category of ['cyber', 'general_harms', null])
  both(`refused: ${category}`, SONNET_5_5, usage(412, 0, 0, 0), 0, 'rejected model.refused', refusal(category));
both('refused, it is not said why', SONNET_5_5, usage(412, 0, 0, 0), 824_000, 'rejected model.refused', {
  ...refusal(null),
  details: null,
});
// --- and midway: all of it, whatever the category
both('refused midway', SONNET_5_5, usage(412, 0, 0, 30), 1_124_000, 'rejected model.refused', {
  ...refusal('cyber'),
  content: [{ type: 'text', text: 'First, ' }],
});
both('refused midway, cached', SONNET, usage(12, 1100, 0, 2), 4_191_000, 'rejected model.refused', {
  ...refusal('general_harms'),
  content: [{ type: 'text', text: 'F' }],
}); // 36000 + 4125000 + 30000

// --- stops
both('cut by its bound', SONNET, usage(100, 0, 0, 3000), 45_300_000, 'cut', { stop: 'max_tokens' });
both('cut by the window', HAIKU, usage(1000, 0, 0, 20), 1_100_000, 'cut', { stop: 'model_context_window_exceeded' });
both('a stop sequence', HAIKU, usage(10, 0, 0, 10), 60_000, 'answer', { stop: 'stop_sequence' });
for (const stop of ['tool_use', 'pause_turn', 'compaction'])
  both(`no answer: ${stop}`, SONNET, usage(100, 0, 0, 10), 450_000, 'rejected model.bad_output', { stop });
both('nothing said', HAIKU, usage(100, 0, 0, 3), 115_000, 'rejected model.empty', { content: [] });

// --- how usage is written
plain(
  'fields of the cache are null',
  SONNET,
  whole({
    ...usage(1200, 0, 0, 400),
    cache_creation: null,
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
  }),
  9_600_000,
);
plain(
  'the split alone',
  SONNET,
  whole({ ...usage(40, 1100, 2300, 600), cache_creation_input_tokens: null }),
  13_935_000,
);
// Kept for an hour it would be 3000 × 2 a token (12339000 and 55980000): we never ask for that, nor bill it.
const hour = { cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2048 } };
plain('an hour that nobody asked for', SONNET, whole(usage(12, 2048, 0, 1, hour)), 7_731_000); // 36000 + 7680000 + 15000
const mixed = { cache_creation: { ephemeral_5m_input_tokens: 600, ephemeral_1h_input_tokens: 1000 } };
plain('both', OPUS_5_5, whole(usage(5, 1600, 20_000, 2048, mixed)), 52_980_000); // 20000 + 8000000 + 4000000 + 40960000
stream(
  'the end repeats the input: it is never added',
  SONNET,
  streamed(usage(40, 1100, 2300, 1), usage(40, 1100, 2300, 600)),
  13_935_000,
);
stream('the end corrects the beginning', SONNET, streamed(usage(1500, 0, 0, 8), usage(1200, 0, 0, 400)), 9_600_000);
stream(
  'two ends: the later',
  HAIKU,
  {
    do: 'events',
    events: events(usage(350, 0, 0, 1), { output_tokens: 80 }).toSpliced(-2, 0, {
      type: 'message_delta',
      delta: {},
      usage: { output_tokens: 60 },
    }),
  },
  750_000,
);
stream(
  'the beginning is a placeholder: alone it is no bill',
  HAIKU,
  streamed(usage(350, 0, 0, 1), undefined),
  null,
  'rejected model.bad_usage',
);
plain('none', HAIKU, whole(undefined), null, 'rejected model.bad_usage');
plain('more output than was allowed', HAIKU, whole(usage(350, 0, 0, 3001)), null, 'rejected model.bad_usage');
plain('more input than was sent', HAIKU, whole(usage(500_000, 0, 0, 10)), null, 'rejected model.bad_usage');
plain('an answer for nothing', HAIKU, whole(usage(350, 0, 0, 0)), null, 'rejected model.bad_usage');
stream(
  'an answer for nothing',
  HAIKU,
  streamed(usage(0, 0, 0, 0), usage(0, 0, 0, 0)),
  null,
  'rejected model.bad_usage',
);

// --- other endpoints
const foreign = { model: 'anthropic/claude-4.5-haiku-20251001' };
const priced = { input_tokens: 350, output_tokens: 80, cost: 0.00075, is_byok: false };
plain('OpenRouter', 'anthropic/claude-haiku-4.5', whole(priced, foreign), 750_000);
stream(
  'OpenRouter, with its comments',
  'anthropic/claude-haiku-4.5',
  {
    do: 'events',
    events: [': OPENROUTER PROCESSING\n\n', ...events({ input_tokens: 350, output_tokens: 0 }, priced, foreign)],
  },
  750_000,
);
stream(
  'Vercel: nothing at first, all at the end',
  'anthropic/claude-sonnet-4.6',
  streamed({ input_tokens: 0, output_tokens: 0 }, usage(40, 1100, 2300, 600)),
  13_935_000,
);
plain('LiteLLM: no word of the cache', SONNET, whole({ input_tokens: 1200, output_tokens: 400 }), 9_600_000);
stream('a gateway that knows no streams', SONNET, whole(usage(1200, 0, 0, 400)), 9_600_000);
plain(
  'an error in a success',
  SONNET,
  { do: 'body', body: { error: { message: 'no provider', code: 502 } } },
  0,
  'unavailable model.down',
);
stream(
  'an error in a success',
  SONNET,
  { do: 'body', body: { error: { message: 'no provider', code: 529 } } },
  0,
  'unavailable model.overloaded',
);
stream('a page', SONNET, { do: 'not-json' }, null, 'unavailable model.no_answer');
stream(
  'events of another API',
  SONNET,
  { do: 'events', events: ['data: {"choices":[]}\n\n', 'data: [DONE]\n\n'] },
  null,
  'unavailable model.no_answer',
);

// --- refused before work, and by an endpoint that gave up waiting
stream('overloaded', SONNET, { do: 'status', status: 529 }, 0, 'unavailable model.overloaded');
plain('gave up', SONNET, { do: 'status', status: 504 }, null, 'unavailable model.down');
stream(
  'spent',
  SONNET,
  { do: 'status', status: 429, code: 'enforced_spend_limit_reached' },
  0,
  'unavailable model.spending_limit',
);
const failure = (type: string): unknown => ({ type: 'error', error: { type, message: 'as recorded' } });
stream(
  'overloaded, in the stream',
  SONNET,
  { do: 'events', events: [failure('overloaded_error')] },
  0,
  'unavailable model.overloaded',
);

// --- lost midway: what was told is known, what it cost is not
const half = [...begun(usage(1200, 0, 0, 1)), ...blockEvents(answer, 0).slice(0, 2)];
const HALF = 'First it is scattere';
stream(
  'overloaded midway',
  SONNET,
  { do: 'events', events: [...half, failure('overloaded_error')] },
  null,
  'unavailable model.overloaded',
  HALF,
);
stream(
  'down midway',
  SONNET,
  { do: 'events', events: [...half, failure('api_error')] },
  null,
  'unavailable model.down',
  HALF,
);
stream(
  'an error midway that is none of ours',
  SONNET,
  { do: 'events', events: [...half, 'event: error\ndata: gone\n\n'] },
  null,
  'unavailable model.down',
  HALF,
);
stream(
  'reset midway',
  SONNET,
  { do: 'events', events: half, then: 'reset' },
  null,
  'unknown model.connection_lost',
  HALF,
);
stream('ended midway', SONNET, { do: 'events', events: half }, null, 'unknown model.connection_lost', HALF);
stream(
  'garbage midway',
  SONNET,
  { do: 'events', events: [...half, 'event: content_block_delta\ndata: {"ty\n\n'] },
  null,
  'unknown model.connection_lost',
  HALF,
);
stream(
  'blocks out of turn',
  SONNET,
  { do: 'events', events: [...half, ...blockEvents(answer, 7)] },
  null,
  'unknown model.connection_lost',
  HALF,
);
stream(
  'lost before the first word',
  SONNET,
  { do: 'events', events: begun(usage(1200, 0, 0, 1)), then: 'reset' },
  null,
  'unknown model.connection_lost',
);
stream(
  'lost after its end and its bill',
  SONNET,
  { do: 'events', events: events(usage(1200, 0, 0, 1), usage(1200, 0, 0, 400)).slice(0, -1), then: 'reset' },
  9_600_000,
);
stream(
  'events that are not known yet',
  SONNET,
  {
    do: 'events',
    events: [
      ...half,
      { type: 'content_block_hint', index: 0 },
      ...events(usage(1200, 0, 0, 1), usage(1200, 0, 0, 400)).slice(4),
    ],
  },
  9_600_000,
);

export const RECORDED: readonly Recorded[] = all;
