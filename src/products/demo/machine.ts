import type { Decision, Effect, OrderEvent } from '../../engine/types.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { plusSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { Answer, Demo, DemoCommand, DemoFacts, DemoNotice, Look } from './states.ts';

type DemoDecision = Decision<Demo, DemoNotice>;
type DemoEffect = Effect<DemoNotice>;

/** Most answers are there sooner; who waits longer hears that they were heard. Seconds. */
const SAY_AT_IT_AFTER = 5;
const SAY_AGAIN_AFTER = 60;

export type NewDemo = Pick<Demo, 'id' | 'owner' | 'dialect' | 'requestId' | 'replyTo' | 'waitingId'>;

/** A free question is taken on: nothing is to be paid, so it is looked at at once. */
export function openDemo(demo: NewDemo, now: UnixSeconds): DemoDecision {
  const order: Demo = { ...demo, seq: 1, state: 'looking', createdAt: now, updatedAt: now };
  return {
    order,
    effects: [
      { type: 'run', activity: 'look', input: {} },
      { type: 'timer', name: 'at_it', at: plusSeconds(now, SAY_AT_IT_AFTER) },
      { type: 'timer', name: 'still_at_it', at: plusSeconds(now, SAY_AGAIN_AFTER) },
    ],
  };
}

/** The question's next state and what follows. Pure. */
export function decide(demo: Demo, event: OrderEvent<DemoCommand>, { now }: DemoFacts): DemoDecision | Refusal {
  switch (event.type) {
    case 'activity_done':
      if (event.activity === 'look' && demo.state === 'looking') return looked(demo, event.output as Look, now);
      if (event.activity === 'answer' && demo.state === 'answering') {
        const { resultId, cut } = event.output as Answer;
        return ended({ ...base(demo), state: 'complete', resultId, cut }, now);
      }
      return same(demo);
    case 'activity_failed':
      if (!isAtWork(demo)) return same(demo);
      // To decline is an answer, and cost us one.
      if (event.code === 'model.refused') return ended({ ...base(demo), state: 'declined', reasonId: null }, now);
      return ended({ ...base(demo), state: 'failed', code: event.code }, now);
    case 'timer':
      return isAtWork(demo)
        ? same(demo, [{ type: 'notify', notice: { type: 'at_it', again: event.name === 'still_at_it' } }])
        : same(demo);
    case 'command': {
      const text = `${demo.id} is a free question: there is nothing to pay and nothing to cancel.`;
      return refuse('bad_state', text, { state: demo.state, reason: 'free' });
    }
    // News of invoices, refunds and other orders, of which it has none.
    default:
      return same(demo);
  }
}

function looked(demo: Demo, { accept, reasonId }: Look, now: UnixSeconds): DemoDecision {
  if (!accept) return ended({ ...base(demo), state: 'declined', reasonId }, now);
  const order: Demo = { ...base(demo), state: 'answering', updatedAt: now };
  return { order, effects: [{ type: 'run', activity: 'answer', input: {} }] };
}

function ended(demo: Demo, now: UnixSeconds): DemoDecision {
  const effects: DemoEffect[] = [
    { type: 'cancel_timer', name: 'at_it' },
    { type: 'cancel_timer', name: 'still_at_it' },
    { type: 'notify', notice: { type: 'end' }, replyTo: demo.replyTo },
    { type: 'answer', replyTo: demo.replyTo },
  ];
  return { order: { ...demo, updatedAt: now }, effects };
}

/** Is it being looked at or answered? */
export function isAtWork({ state }: Demo): boolean {
  return state === 'looking' || state === 'answering';
}

/** What every state shares. */
function base(demo: Demo): Omit<NewDemo & Demo, 'state'> {
  const { id, seq, owner, dialect, createdAt, updatedAt, requestId, replyTo, waitingId } = demo;
  return { id, seq, owner, dialect, createdAt, updatedAt, requestId, replyTo, waitingId };
}

function same(demo: Demo, effects: readonly DemoEffect[] = []): DemoDecision {
  return { order: demo, effects };
}
