import { z } from 'zod';
import { OutsideError } from '../../lib/errors.ts';
import { guessTokens } from '../../pricing/index.ts';
import type { TokenCount, WorkPrompt } from '../../ports/agent.ts';
import { workPrompt, type Prompt } from './call.ts';
import { sendCount, type Endpoint } from './send.ts';

const TIMEOUT_MS = 10_000;

const countSchema = z.object({ input_tokens: z.int().min(1).max(100_000_000) });

/** Tokens around each message. */
const FRAMING_TOKENS = 5;

/** A count so many times lower than our guess is none: some gateways count far too low (litellm#37102). */
const FAR_LOW = 3;

/**
 * Counts a prompt's tokens by the endpoint's own `count_tokens`, which is free; an endpoint that has none is not asked
 * again. What cannot be counted is guessed, and says so.
 */
export function createTokenCounter(
  endpoint: Endpoint,
): (prompt: WorkPrompt, signal: AbortSignal) => Promise<TokenCount> {
  let isThere = true;
  return async (asked, signal) => {
    const prompt = workPrompt(asked);
    const guess = { tokens: guessOf(prompt), exact: false };
    if (!isThere) return guess;
    try {
      const count = countSchema.safeParse(await sendCount(endpoint, prompt, TIMEOUT_MS, signal));
      if (!count.success || count.data.input_tokens * FAR_LOW < guess.tokens) return guess;
      return { tokens: count.data.input_tokens, exact: true };
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      if (error.message === 'model.no_such_model' || error.message === 'model.wrong_address') isThere = false;
      return guess;
    }
  };
}

function guessOf({ model, system, messages }: Prompt): number {
  const texts = messages.flatMap(({ content }) =>
    typeof content === 'string' ? [content] : content.map(({ text }) => text),
  );
  return guessTokens(model, [system, ...texts]) + FRAMING_TOKENS * (messages.length + 1);
}
