import type { Texts } from '../../customers/index.ts';
import { statement, type Reader, type Tx } from '../../db/index.ts';
import { inputTokensOf, type TokenUsage, type Turn } from '../../ports/agent.ts';
import { countCharacters, estimateTokens } from '../../pricing/index.ts';
import type { SessionSettings } from './config.ts';

/** What the model is told again of a conversation. */
export interface Memory {
  readonly turns: readonly Turn[];
  /** As the API counted them when they were new (`turnTokens`). */
  readonly tokens: number;
  /** What is older than this row of `requests` is left out from now on. */
  readonly from: number;
}

/** One key's conversation in one session. */
export interface Talk {
  readonly sessionId: string;
  readonly owner: string;
  readonly talk: number;
}

export type MemorySettings = Pick<SessionSettings, 'SESSION_MEMORY_TOKENS' | 'WORK_SYSTEM_PROMPT_TOKENS_EST'>;

/** So many answers back at most, whatever their length. */
const MAX_TURNS = 50;

/**
 * The conversation so far: requests that were answered, with their answers. Where it has outgrown
 * `SESSION_MEMORY_TOKENS`, its older half goes: seldom and much at once, so that what stays is the same from turn to
 * turn and the model's cache has it. What was refused, failed or erased is not part of it.
 */
export function memoryOf(reader: Reader, texts: Texts, of: Talk, settings: MemorySettings): Memory {
  const { sessionId, owner, talk } = of;
  const maxTokens = settings.SESSION_MEMORY_TOKENS;
  const rows = statement(
    reader,
    `SELECT n AS row, request_id AS request, result_id AS result, details -> '$.usage' AS usage,
       details ->> '$.rememberedTokens' AS remembered FROM requests
     WHERE session_id = @sessionId AND owner = @owner AND talk = @talk AND state = 'complete' AND n >= coalesce(
       (SELECT remembered_from FROM session_talkers WHERE session_id = @sessionId AND npub = @owner), 0)
     ORDER BY n DESC LIMIT ${MAX_TURNS}`,
  ).all({ sessionId, owner, talk }) as Row[];
  const turns = rows.flatMap(({ row, request, result, usage, remembered }) => {
    const [asked, answered] = [texts.read(reader, request), texts.read(reader, result)];
    if (asked === null || answered === null) return [];
    const counted =
      remembered === null
        ? null
        : { usage: JSON.parse(usage) as TokenUsage, elseTokens: settings.WORK_SYSTEM_PROMPT_TOKENS_EST + remembered };
    return [{ row, asked, answered, tokens: turnTokens(asked + answered, counted) }];
  });
  const total = turns.reduce((sum, turn) => sum + turn.tokens, 0);
  const room = total > maxTokens ? maxTokens / 2 : maxTokens;
  const kept = [];
  let tokens = 0;
  // The newest first; the conversation is read the other way round.
  for (const turn of turns) {
    if (tokens + turn.tokens > room) break;
    tokens += turn.tokens;
    kept.unshift(turn);
  }
  return {
    turns: kept.flatMap(({ asked, answered }) => [
      { role: 'customer' as const, text: asked },
      { role: 'timmy' as const, text: answered },
    ]),
    tokens,
    from: kept[0]?.row ?? (rows[0]?.row ?? -1) + 1,
  };
}

interface Row {
  readonly row: number;
  readonly request: number | null;
  readonly result: number | null;
  readonly usage: string;
  /** Null: answered before this was noted. */
  readonly remembered: number | null;
}

/**
 * How long a turn is: what the API counted of the call that answered it, in and out, less what else was in its prompt.
 * Whatever was wrong about that is made good by the next turn's count, which has it in its prompt: the sum of a
 * conversation is never further from the truth than one turn. An endpoint may count anything: it is no less than an
 * eighth of the characters, no more than their bytes. Nothing counted: a quarter of the characters.
 *
 * @param counted `elseTokens`: the system prompt, and the turns before it that were given again.
 */
export function turnTokens(
  text: string,
  counted: { readonly usage: TokenUsage; readonly elseTokens: number } | null,
): number {
  const characters = countCharacters(text);
  if (counted === null) return estimateTokens(characters);
  const { usage, elseTokens } = counted;
  const tokens = inputTokensOf(usage) + usage.outputTokens - elseTokens;
  return Math.min(Buffer.byteLength(text), Math.max(Math.ceil(characters / 8), tokens));
}

/** Remembers where the memory now begins. */
export function keepMemoryFrom(tx: Tx, { sessionId, owner }: Talk, from: number): void {
  statement(
    tx,
    `INSERT INTO session_talkers (session_id, npub, remembered_from) VALUES (@sessionId, @owner, @from)
     ON CONFLICT (session_id, npub) DO UPDATE SET remembered_from = max(remembered_from, @from)`,
  ).run({ sessionId, owner, from });
}
