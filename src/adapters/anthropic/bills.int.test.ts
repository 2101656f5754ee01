import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandClock } from '../../../test/fakes/hand-clock.ts';
import { startFakeAnthropic, type FakeAnthropic } from '../../../test/fakes/anthropic.ts';
import { RECORDED, type Recorded } from '../../../test/recorded/answers.ts';
import { TEXT } from '../../../test/recorded/forms.ts';
import { silentLog } from '../../lib/log.ts';
import { Secret } from '../../lib/secret.ts';
import { AgentError, type TokenUsage, type Work } from '../../ports/agent.ts';
import { DEFAULT_RATES, tariffFrom, tokenCostUsd } from '../../pricing/index.ts';
import { createAnthropicAgent } from './index.ts';

let fake: FakeAnthropic;
beforeAll(async () => void (fake = await startFakeAnthropic()));
afterAll(() => fake.close());

/** The most input that any of them reports: no more may be reported than was sent. */
const REQUEST = 'x'.repeat(150_000);

interface Told {
  readonly work: Work | null;
  readonly error: unknown;
  readonly heard: readonly string[];
}

async function ask({ model, script, streamed }: Recorded): Promise<Told> {
  const clock = createHandClock();
  const agent = createAnthropicAgent({ apiKey: new Secret('k'), baseUrl: fake.url, clock, log: silentLog });
  const heard: string[] = [];
  fake.next('work', script);
  const request = { model, request: REQUEST, history: [], words: 150, format: 'plain', maxTokens: 3000 } as const;
  const onText = (textSoFar: string): void => void heard.push(textSoFar);
  return agent.work({ ...request, ...(streamed ? { onText } : {}) }, new AbortController().signal).then(
    (work) => ({ work, error: null, heard }),
    (error: unknown) => ({ work: null, error, heard }),
  );
}

/** Billionths of a USD under the tariff of settings that nobody touched but for the model. */
function billOf(model: string, usage: TokenUsage): number {
  const settings = {
    ...DEFAULT_RATES,
    // The model's own list price is at stake: no default's.
    EVAL_MODEL: 'claude-haiku-4-5',
    WORK_MODEL: model,
    DO_MONTHLY_COST_USD: 0,
    DO_MONTHLY_REQUEST_VOLUME: 1,
    ORIGINATOR_MARGIN_PCT: 0,
  };
  const tariff = tariffFrom(settings, { usdMicros: 100_000_000_000n, source: 'test' });
  const { n, d } = tokenCostUsd({ role: 'work', ...usage }, tariff);
  expect((n * 1_000_000_000n) % d).toBe(0n);
  return Number((n * 1_000_000_000n) / d);
}

describe('the bill of a recorded answer, to the billionth of a USD', () => {
  it('is worked for at least sixty of them', () => expect(RECORDED.length).toBeGreaterThanOrEqual(60));

  it.each(RECORDED.map((one) => [`${one.streamed ? 'streamed: ' : ''}${one.name} (${one.model})`, one] as const))(
    '%s',
    async (_, recorded) => {
      const { work, error, heard } = await ask(recorded);
      const usage = work?.usage ?? (error instanceof AgentError ? error.usage : null);
      expect(usage === null ? null : billOf(recorded.model, usage)).toBe(recorded.bill);

      if (work === null) {
        if (!(error instanceof AgentError)) throw error;
        expect(`${error.fault} ${error.message}`).toBe(recorded.ends);
        expect(error.partial).toBe(recorded.partial ?? '');
      } else {
        expect(work.cut ? 'cut' : 'answer').toBe(recorded.ends);
        expect(work.text).toBe(TEXT);
      }
      // What was heard grows, and is the beginning of what came of it.
      expect(recorded.streamed || heard.length === 0).toBe(true);
      const whole = work?.text ?? recorded.partial;
      heard.forEach((textSoFar, at) => {
        expect(textSoFar.length).toBeGreaterThan(heard[at - 1]?.length ?? 0);
        expect(textSoFar.startsWith(heard[at - 1] ?? '')).toBe(true);
        if (whole !== undefined) expect(whole.startsWith(textSoFar)).toBe(true);
      });
    },
  );
});
