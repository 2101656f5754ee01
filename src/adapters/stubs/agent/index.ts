import { cleanLine } from '../../../lib/clean-text.ts';
import { OutsideError } from '../../../lib/errors.ts';
import {
  NO_CACHE,
  type Agent,
  type Evaluation,
  type EvaluationRequest,
  type Work,
  type WorkPrompt,
  type WorkRequest,
} from '../../../ports/agent.ts';

/** A request that contains this (any case) is rejected, so that the whole path can be tried without a model. */
export const REJECT_TRIGGER = 'please reject';

/** Tokens that the real prompts would add to a request. */
const EVALUATION_PROMPT_TOKENS = 320;
const WORK_PROMPT_TOKENS = 50;

/** The usual guess: four characters a token. */
const CHARACTERS_PER_TOKEN = 4;

/**
 * The model's stand-in without `ANTHROPIC_API_KEY`: the same request always gets the same answer, which says that no
 * model wrote it; token counts follow the lengths of the texts, so that prices, receipts and change look real.
 */
export function createStubAgent(): Agent {
  return {
    kind: 'stub',

    async evaluate({ model, request }: EvaluationRequest, signal: AbortSignal): Promise<Evaluation> {
      stopIfAborted(signal);
      const accept = !request.toLowerCase().includes(REJECT_TRIGGER);
      const reason = accept
        ? 'Accepted by the stub agent, which accepts nearly everything.'
        : `The stub agent rejects whatever contains "${REJECT_TRIGGER}".`;
      const inputTokens = EVALUATION_PROMPT_TOKENS + tokensOf(request);
      return { accept, reason, model, usage: { inputTokens, ...NO_CACHE, outputTokens: tokensOf(reason) + 10 } };
    },

    async work(request: WorkRequest, signal: AbortSignal): Promise<Work> {
      stopIfAborted(signal);
      const whole = answerTo(request);
      const text = cutTo(whole, request.maxTokens);
      for (const textSoFar of paragraphs(text)) request.onText?.(textSoFar);
      const usage = {
        inputTokens: promptTokens(request),
        ...NO_CACHE,
        outputTokens: Math.min(request.maxTokens, tokensOf(text)),
      };
      return { text, cut: text !== whole, model: request.model, usage };
    },
  };
}

function promptTokens({ request, history }: WorkPrompt): number {
  const asked = [request, ...history.map((turn) => turn.text)];
  return asked.reduce((sum, part) => sum + tokensOf(part), WORK_PROMPT_TOKENS);
}

/** The text as it grows, a paragraph at a time. */
function paragraphs(text: string): string[] {
  const lines = text.split('\n');
  return lines.map((_, index) => lines.slice(0, index + 1).join('\n'));
}

function answerTo({ request, words, format, history }: WorkRequest): string {
  const title = 'Answer of the stub agent';
  const heading = format === 'markdown' ? `# ${title}` : `${title}:`;
  const memory = history.length === 0 ? '' : ` It follows ${history.length} earlier messages of this conversation.`;
  return [
    heading,
    `No language model is connected to this Timmy, so nobody thought about your request: "${cleanLine(request, 120)}".`,
    `A model would now answer it in up to ${words} words.${memory}`,
    'Everything else is as it would be: the quote, the payment, the tokens counted, the receipt and your change.',
  ].join('\n');
}

/** The first `maxTokens` tokens of `text`, and at least one character that can be seen. */
function cutTo(text: string, maxTokens: number): string {
  const characters = [...text];
  const limit = Math.max(1, Math.trunc(maxTokens)) * CHARACTERS_PER_TOKEN;
  return characters.length <= limit ? text : characters.slice(0, limit).join('').trimEnd();
}

function tokensOf(text: string): number {
  return Math.ceil([...text].length / CHARACTERS_PER_TOKEN);
}

function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new OutsideError('unknown', 'model.connection_lost');
}
