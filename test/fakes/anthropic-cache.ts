interface TextBlock {
  readonly type: string;
  readonly text: string;
  readonly cache_control?: unknown;
}

/** What of a call is its prompt. */
export interface PromptBody {
  readonly model: string;
  readonly system?: string;
  readonly messages: readonly { readonly role: string; readonly content: string | readonly TextBlock[] }[];
  readonly cache_control?: unknown;
}

/** Input of one call, by class. */
export interface PromptUsage {
  readonly inputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheReadTokens: number;
}

export interface PromptCache {
  /** What the prompt costs now; what it asks to be cached is. */
  take(body: PromptBody): PromptUsage;
}

/** A shorter prefix is not cached. Tokens. */
const LEAST_CACHED = 1024;

/**
 * The provider's prompt cache, without its five minutes: a prefix that ends in a marked block is kept, and the longest
 * kept one that a later prompt begins with is read. Four characters are a token, each block rounded up by itself.
 */
export function createPromptCache(): PromptCache {
  const kept = new Map<string, number>();
  return {
    take(body) {
      const blocks = blocksOf(body);
      let [prefix, tokens, read, marked] = [`${body.model}`, 0, 0, 0];
      for (const block of blocks) {
        prefix += `\n${JSON.stringify([block.role, block.text])}`;
        tokens += block.tokens;
        if (kept.has(prefix)) read = tokens;
        if (!block.isMarked) continue;
        marked = tokens;
        if (tokens >= LEAST_CACHED) kept.set(prefix, tokens);
      }
      if (marked < LEAST_CACHED) return { inputTokens: tokens, cacheWriteTokens: 0, cacheReadTokens: 0 };
      read = Math.min(read, marked);
      return { inputTokens: tokens - marked, cacheWriteTokens: marked - read, cacheReadTokens: read };
    },
  };
}

interface Block {
  readonly role: string;
  readonly text: string;
  readonly tokens: number;
  readonly isMarked: boolean;
}

function blocksOf({ system, messages, cache_control }: PromptBody): Block[] {
  const block = (role: string, text: string, isMarked: boolean): Block => {
    return { role, text, tokens: Math.max(1, Math.ceil([...text].length / 4)), isMarked };
  };
  const blocks = messages.flatMap(({ role, content }) =>
    typeof content === 'string'
      ? [block(role, content, false)]
      : content.map((one) => block(role, one.text, one.cache_control !== undefined)),
  );
  const all = system === undefined ? blocks : [block('system', system, false), ...blocks];
  const last = all.at(-1);
  // The mark of the whole request stands for one on its last block.
  return cache_control === undefined || last === undefined ? all : [...all.slice(0, -1), { ...last, isMarked: true }];
}
