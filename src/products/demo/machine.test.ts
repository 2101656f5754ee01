import { describe, expect, it } from 'vitest';
import type { OrderEvent } from '../../engine/types.ts';
import { isRefusal } from '../../lib/errors.ts';
import { unixSeconds } from '../../lib/units.ts';
import { decide, openDemo } from './machine.ts';
import type { Demo, DemoCommand } from './states.ts';

const now = unixSeconds(1_800_000_000);
const later = unixSeconds(1_800_000_009);
type Event = OrderEvent<DemoCommand>;

const asked = openDemo(
  { id: 'D-AAAAA', owner: 'ab'.repeat(32), dialect: 'words', requestId: 7, replyTo: 3, waitingId: null },
  now,
);
const looking = asked.order!;
const done = (activity: string, output: unknown): Event => ({ type: 'activity_done', activity, output });
const failed = (code: string): Event => ({ type: 'activity_failed', activity: 'look', code, attempts: 1 });
const accepted = done('look', { accept: true, reasonId: 8 });
const answered = done('answer', { resultId: 9, cut: false });

function step(demo: Demo, event: Event): { order: Demo; effects: readonly { type: string }[] } {
  const decision = decide(demo, event, { now: later });
  if (isRefusal(decision) || decision.order === null) throw new Error('refused');
  return { order: decision.order, effects: decision.effects };
}
const after = (...events: Event[]): Demo => events.reduce((demo, event) => step(demo, event).order, looking);
const END = { type: 'notify', notice: { type: 'end' }, replyTo: 3 };

describe('a free question', () => {
  it('is looked at at once, with nothing to pay', () => {
    expect(looking).toMatchObject({ state: 'looking', seq: 1, createdAt: now });
    expect(asked.effects).toContainEqual({ type: 'run', activity: 'look', input: {} });
    expect(asked.effects.map(({ type }) => type)).toEqual(['run', 'timer', 'timer']);
  });

  it('is answered when it was accepted, and the message that asked is told', () => {
    const { order, effects } = step(looking, accepted);
    expect(order.state).toBe('answering');
    expect(effects).toEqual([{ type: 'run', activity: 'answer', input: {} }]);
    const end = step(order, answered);
    expect(end.order).toMatchObject({ state: 'complete', resultId: 9, cut: false, updatedAt: later });
    expect(end.effects).toEqual(expect.arrayContaining([END, { type: 'answer', replyTo: 3 }]));
  });

  it.each<[string, Event[], object]>([
    ['declined by the look', [done('look', { accept: false, reasonId: 8 })], { state: 'declined', reasonId: 8 }],
    ['declined by the model', [accepted, failed('model.refused')], { state: 'declined', reasonId: null }],
    ['failed at the look', [failed('model.unavailable')], { state: 'failed', code: 'model.unavailable' }],
    ['failed at the answer', [accepted, failed('broken')], { state: 'failed', code: 'broken' }],
  ])('%s, it ends and is told', (_, events, end) => {
    const before = after(...events.slice(0, -1));
    const { order, effects } = step(before, events.at(-1)!);
    expect(order).toMatchObject(end);
    expect(effects).toContainEqual(END);
  });

  it('says that it is at work only while it is', () => {
    const timer: Event = { type: 'timer', name: 'at_it' };
    expect(step(looking, timer)).toEqual({
      order: looking,
      effects: [{ type: 'notify', notice: { type: 'at_it', again: false } }],
    });
    const complete = after(accepted, answered);
    expect(step(complete, timer)).toEqual({ order: complete, effects: [] });
  });

  it('ends once: what comes twice, late, or about money changes nothing', () => {
    const complete = after(accepted, answered);
    const events: Event[] = [
      accepted,
      answered,
      failed('broken'),
      { type: 'refund_changed', debtIds: [1] },
      { type: 'invoice_lapsed', invoiceId: 1, purpose: 'eval' },
    ];
    for (const event of events) expect(step(complete, event)).toEqual({ order: complete, effects: [] });
    expect(step(looking, answered)).toEqual({ order: looking, effects: [] });
  });

  it.each(['cancel', 'invoice'] as const)('has nothing to %s', (type) => {
    expect(decide(looking, { type: 'command', command: { type }, replyTo: 5 }, { now })).toMatchObject({
      refusal: 'bad_state',
    });
  });

  it('never moves money, whatever happens', () => {
    const states = [looking, after(accepted), after(accepted, answered), after(failed('broken'))];
    const events: Event[] = [accepted, answered, failed('x'), { type: 'timer', name: 'still_at_it' }];
    const types = states.flatMap((demo) =>
      events.flatMap((event) => step(demo, event).effects.map(({ type }) => type)),
    );
    expect(new Set(types)).toEqual(new Set(['run', 'notify', 'answer', 'cancel_timer']));
  });
});
