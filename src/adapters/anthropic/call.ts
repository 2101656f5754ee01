import { evaluationMaxTokens, findModel } from '../../pricing/index.ts';
import type { EvaluationRequest, WorkPrompt } from '../../ports/agent.ts';
import {
  conversationSystemPrompt,
  EVALUATION_SCHEMA,
  evaluationPrompt,
  lengthNote,
  workSystemPrompt,
} from './prompts.ts';

/**
 * What is sent to the Messages API, in its own names (platform.claude.com/docs/en/api/messages).
 */

interface TextBlock {
  readonly type: 'text';
  readonly text: string;
  readonly cache_control?: { readonly type: 'ephemeral' };
}

interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string | TextBlock[];
}

type Thinking = { readonly type: 'disabled' | 'between_tools' | 'adaptive' };

interface OutputConfig {
  readonly effort?: 'low';
  readonly format?: { readonly type: 'json_schema'; readonly schema: Record<string, unknown> };
}

/** What is counted as input. */
export interface Prompt {
  readonly model: string;
  readonly system: string;
  readonly messages: Message[];
  readonly thinking?: Thinking;
  readonly output_config?: OutputConfig;
}

export interface Call extends Prompt {
  readonly max_tokens: number;
}

export function evaluationCall({ model, request }: EvaluationRequest): Call {
  const { system, user } = evaluationPrompt(request);
  const { thinking, output_config } = leastThinking(model);
  const format = { type: 'json_schema', schema: { ...EVALUATION_SCHEMA } } as const;
  return {
    model,
    max_tokens: evaluationMaxTokens(model),
    system,
    messages: [{ role: 'user', content: user }],
    ...(thinking === undefined ? {} : { thinking }),
    output_config: { ...output_config, format },
  };
}

/**
 * A request by itself, or with the conversation before it: then all up to the request is asked to be cached for five
 * minutes (a shorter prompt than the model's least is silently not). A block is marked, not the whole request: old
 * endpoints know no other way.
 */
export function workPrompt({ model, request, history, words, format }: WorkPrompt): Prompt {
  if (history.length === 0) {
    const messages: Message[] = [{ role: 'user', content: request }];
    return { model, system: workSystemPrompt({ words, format }), messages, ...leastThinking(model) };
  }
  const turns = history.map(({ role, text }): Message => ({
    role: role === 'customer' ? 'user' : 'assistant',
    content: text,
  }));
  const asked: TextBlock[] = [
    { type: 'text', text: request, cache_control: { type: 'ephemeral' } },
    { type: 'text', text: lengthNote({ words }) },
  ];
  const messages: Message[] = [...turns, { role: 'user', content: asked }];
  return { model, system: conversationSystemPrompt({ format }), messages, ...leastThinking(model) };
}

/** The least that the model allows, said in so many words. Of a model that is not known nothing is: it may refuse either. */
function leastThinking(model: string): Pick<Prompt, 'thinking' | 'output_config'> {
  const known = findModel(model);
  if (known === undefined) return {};
  if (known.thinking === 'always') return { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } };
  return { thinking: { type: known.thinking } };
}
