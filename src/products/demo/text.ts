import type { Texts } from '../../customers/index.ts';
import type { Reader } from '../../db/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { wayOn } from './limits.ts';
import type { Demo, DemoNotice } from './states.ts';

/** The sentences of a free question. `remaining`: how many its owner has left this hour. */
export function demoWords(texts: Texts, reader: Reader, demo: Demo, notice: DemoNotice, remaining: number): string[] {
  switch (notice.type) {
    case 'at_it':
      return [
        notice.again
          ? `Still working on ${demo.id}. Nothing for you to do.`
          : `Working on ${demo.id}, the short answer comes here. It is free.`,
      ];
    case 'end': {
      const end = endOf(texts, reader, demo);
      return [`${'refusal' in end ? end.text : answerText(end, demo)}\n\n${leftText(demo, remaining)}`];
    }
    default:
      return assertNever(notice);
  }
}

/** What a program is answered: docs/rpc.md, `demo.run`. */
export function demoResult(
  texts: Texts,
  reader: Reader,
  demo: Demo,
  remaining: number,
): Readonly<Record<string, unknown>> | Refusal {
  const end = endOf(texts, reader, demo);
  if ('refusal' in end) return { ...end, data: { ...end.data, remaining_this_hour: remaining } };
  return { result: end.answer, remaining_this_hour: remaining };
}

/** The answer, or why there is none. */
function endOf(texts: Texts, reader: Reader, demo: Demo): { readonly answer: string } | Refusal {
  switch (demo.state) {
    case 'complete':
      return { answer: texts.read(reader, demo.resultId) ?? '' };
    case 'declined': {
      const reason = texts.read(reader, demo.reasonId) ?? 'the model declined to answer it.';
      return refuse('bad_state', `I decline this one: ${reason}`, { state: 'declined', reason });
    }
    case 'failed': {
      const why = FAILURES[demo.code] ?? 'something broke on my side';
      const text = `I could not answer: ${why}. It does not count, and nothing was charged.`;
      return refuse('unavailable', text, { state: 'failed', reason: why });
    }
    case 'looking':
    case 'answering':
      throw new Error('demo.not_ended');
    default:
      return assertNever(demo);
  }
}

function answerText({ answer }: { answer: string }, demo: Demo): string {
  const isCut = demo.state === 'complete' && demo.cut;
  return isCut ? `${answer}\n\n(It was cut here: free answers are short.)` : answer;
}

function leftText(demo: Demo, remaining: number): string {
  return `Free answers left to you this hour: ${remaining}. ${wayOn(demo)}`;
}

const FAILURES: Readonly<Record<string, string>> = {
  erased: 'its text was erased',
  'model.empty': 'the model gave no answer',
  'model.unavailable': 'the model could not be reached',
  'model.lost': 'its answer was lost twice',
  'model.bad_request': 'the model does not take such a request',
  'model.bad_output': 'the model did not answer as it should',
  'model.bad_usage': 'the model did not answer as it should',
  'model.purse_empty': 'what I may spend on free answers today is spent',
};

/** How it stands, in one line. */
export function demoStatusLine(demo: Demo): string {
  switch (demo.state) {
    case 'looking':
    case 'answering':
      return `${demo.id}: a free question, I am working on it. The answer comes here.`;
    case 'complete':
      return `${demo.id}: a free question, answered.`;
    case 'declined':
      return `${demo.id}: a free question, declined.`;
    case 'failed':
      return `${demo.id}: a free question that could not be answered. It did not count.`;
    default:
      return assertNever(demo);
  }
}
