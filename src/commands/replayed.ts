import { refuse, type Refusal } from '../lib/errors.ts';
import { SENT_ONCE, type Replay } from '../messaging/index.ts';

/** What the repetition of a request hears whose answer is no more: what it did stands, and is not done again. */
export function answerIsGone({ textId, orderId }: Extract<Replay, { state: 'answered' }>): Refusal {
  return textId === SENT_ONCE ? secretAnswer(orderId) : erasedAnswer(orderId);
}

/** What it did stands, but its first answer went with the customer's texts (`forget`, or retention). */
function erasedAnswer(orderId: string | null): Refusal {
  const text = `This request was carried out and answered before, and is not carried out again. Its answer was erased with your texts.${orderId === null ? '' : ` It was about ${orderId}.`}`;
  return refuse('bad_state', text, {
    state: 'erased',
    reason: 'the first answer was erased',
    ...(orderId === null ? {} : { id: orderId }),
  });
}

/** It was answered with a secret, which rests nowhere here and is not sent twice. */
function secretAnswer(orderId: string | null): Refusal {
  const text =
    'This request was carried out and answered before. Its answer was a secret, which is sent once and kept nowhere: ask again under another id for a new one.';
  return refuse('bad_state', text, {
    state: 'sent_once',
    reason: 'the answer was a secret',
    ...(orderId === null ? {} : { id: orderId }),
  });
}
