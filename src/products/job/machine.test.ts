import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../lib/errors.ts';
import { sats, unixSeconds } from '../../lib/units.ts';
import { decide, openJob } from './machine.ts';
import type { Job, JobCommand, JobFacts, Offer, WorkOutput } from './states.ts';
import type { OrderEvent } from '../../engine/types.ts';

const T = 1_800_000_000;
const usage = { inputTokens: 60, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 180 };
const tariff = {} as Offer['tariff'];
const offer = (amount: number): Offer => ({
  tariff,
  quote: { estimatedInputTokens: 56, estimatedOutputTokens: 200, amountSats: sats(amount), words: 150 },
});
const verdict = (accept: boolean) => ({ accept, reasonId: 7, model: 'm', usage });
const output: WorkOutput = { resultId: 7, resultParts: 1, cut: false, model: 'm', usage };

type Event = OrderEvent<JobCommand>;
const EVAL_INVOICE = { id: 1, createdAt: T, expiresAt: T + 3600, open: true };

function facts(changes: Partial<JobFacts> = {}): JobFacts {
  return {
    now: unixSeconds(T + 60),
    startedAt: unixSeconds(T - 100),
    awaySeconds: 0,
    eventInvoiceCut: false,
    invoiceExpirySeconds: 3600,
    requestKept: true,
    offerNow: offer(129),
    invoice: EVAL_INVOICE,
    invoiceComing: false,
    askedByProgram: false,
    eventInvoiceEnd: null,
    settle: (of) => {
      const chargedSats = sats(Math.min(127, of.quote.amountSats));
      return { actualSats: sats(127), chargedSats, refundSats: sats(of.quote.amountSats - chargedSats) };
    },
    ...changes,
  };
}

const NEW = {
  id: 'J-4KQ7M',
  owner: 'ab',
  dialect: 'words',
  requestId: 3,
  requestCharacters: 21,
  length: null,
  format: 'plain',
  updates: 'all',
  evalFeeSats: sats(10),
  prepaid: false,
  offer: offer(129),
  expirySeconds: 3600,
  replyTo: 5,
} as const;

const fresh = openJob(NEW, unixSeconds(T)).order!;
/** Its price was said, with its invoice. */
const opened: Job = { ...fresh, priceUntold: false };
const prepaid = openJob({ ...NEW, prepaid: true }, unixSeconds(T)).order!;

/** The job after these events; each must be taken. */
function after(job: Job, ...events: readonly (Event | readonly [Event, Partial<JobFacts>])[]): Job {
  return events.reduce<Job>((order, item) => {
    const [event, more] = Array.isArray(item) ? (item as [Event, Partial<JobFacts>]) : [item as Event, {}];
    const decision = decide(order, event, facts(more));
    if (isRefusal(decision) || decision.order === null) throw new Error(`not taken: ${event.type}`);
    return decision.order;
  }, job);
}

const paid = (purpose: string, amount: number, invoiceId = 1): Event => ({
  type: 'invoice_paid',
  invoiceId,
  purpose,
  amountSats: sats(amount),
  replyTo: null,
});
const evaluated = (accept = true): Event => ({ type: 'activity_done', activity: 'evaluate', output: verdict(accept) });
const executed: Event = { type: 'activity_done', activity: 'execute', output };
const failing = (activity: string, code = 'model.unavailable'): Event => ({
  type: 'activity_failed',
  activity,
  code,
  attempts: 2,
});
const lapsed: Event = { type: 'invoice_lapsed', invoiceId: 1, purpose: 'eval' };
const says = (command: JobCommand): Event => ({ type: 'command', command, replyTo: 9 });
const timer = (name: string): Event => ({ type: 'timer', name });

const STATES: Record<string, Job> = (() => {
  const evaluating = after(opened, paid('eval', 10));
  const waiting = after(evaluating, evaluated());
  const executing = after(waiting, paid('work', 129, 2));
  const gone: [Event, Partial<JobFacts>] = [lapsed, { invoice: { ...EVAL_INVOICE, open: false } }];
  return {
    awaiting_eval_payment: opened,
    evaluating,
    awaiting_work_payment: waiting,
    executing,
    complete: after(executing, executed),
    rejected: after(evaluating, evaluated(false)),
    'failed at the look': after(evaluating, failing('evaluate')),
    'failed at the work': after(executing, failing('execute')),
    'expired before the look': after(opened, gone),
    'expired before the work': after(waiting, gone),
    cancelled: after(opened, says({ type: 'cancel' })),
    'evaluating, prepaid': after(prepaid, paid('order', 139)),
    'executing, prepaid': after(prepaid, paid('order', 139), evaluated()),
  };
})();

/** A decision in short: the state, then each effect in a word or three. */
function shortly(job: Job, event: Event, more: Partial<JobFacts> = {}): string {
  const decision = decide(job, event, facts(more));
  if (isRefusal(decision)) return `no: ${decision.refusal}`;
  const effects = decision.effects.flatMap((effect) => {
    switch (effect.type) {
      case 'invoice':
        return [`invoice ${effect.purpose} ${effect.amountSats}${effect.mayFail ? '?' : '!'}`];
      case 'owe':
        return [`owe ${Number(effect.amountMsats) / 1000} ${effect.because}`];
      case 'earn':
        return [`earn ${Number(effect.amountMsats) / 1000} ${effect.as}`];
      case 'run':
        return [`run ${effect.activity}`];
      case 'notify':
        return [`say ${effect.notice.type}`];
      case 'timer':
      case 'cancel_timer':
        return [];
      case 'replace_invoices':
        return ['replace'];
      default:
        return [effect.type];
    }
  });
  const state = decision.order === null ? 'gone' : decision.order === job ? 'same' : decision.order.state;
  return [state, ...effects].join(', ');
}

describe('a request', () => {
  it('opens with an invoice that is wanted', () => {
    const [wanted, ...rest] = openJob(NEW, unixSeconds(T)).effects;
    expect(rest).toEqual([]);
    expect(wanted).toMatchObject({ purpose: 'eval', amountSats: 10, mayFail: true, replyTo: 5 });
    expect(openJob({ ...NEW, prepaid: true }, unixSeconds(T)).effects[0]).toMatchObject({
      purpose: 'order',
      amountSats: 139,
    });
  });

  const ready = { type: 'invoice_ready', invoiceId: 1, purpose: 'eval', replyTo: 5 } as const;
  it('is told the price when its invoice is there, once', () => {
    expect(shortly(fresh, ready)).toBe('awaiting_eval_payment, say price, say invoice');
    expect(shortly(after(fresh, ready), ready)).toBe('awaiting_eval_payment, say invoice');
    expect(shortly(fresh, timer('joined'))).toBe('same');
  });

  it('paid from what is kept, is told the price with the payment', () =>
    expect(shortly(fresh, paid('eval', 10))).toBe('evaluating, replace, say price, run evaluate'));
});

describe('given a state, when something happens, then', () => {
  const LATE = 'owe 10 late_payment, say late_money';
  /** For each state: what paid (10 eval), evaluated, executed, failed, lapsed, cancel and invoice come to. */
  const table: Record<string, readonly [string, string, string, string, string, string, string]> = {
    awaiting_eval_payment: ['evaluating, replace, run evaluate', 'same', 'same', 'same', 'expired', 'cancelled, replace, say cancelled', 'same, say invoice'],
    evaluating: [`evaluating, ${LATE}`, 'awaiting_work_payment, earn 10 eval, receipt, say quote, invoice work 129!', 'same', 'failed, owe 10 failed, receipt, say failed', 'same', 'cancelled, earn 10 eval, receipt, say cancelled', 'no: bad_state'],
    awaiting_work_payment: [`awaiting_work_payment, ${LATE}`, 'same', 'same', 'same', 'expired', 'cancelled, replace, say cancelled', 'same, say invoice'],
    executing: [`executing, ${LATE}`, 'same', 'complete, earn 127 work, owe 2 change, receipt, say result', 'failed, owe 129 failed, receipt, say failed', 'same', 'no: bad_state', 'no: bad_state'],
    complete: [`complete, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'no: bad_state'],
    rejected: [`rejected, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'no: bad_state'],
    'failed at the look': [`failed, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'no: bad_state'],
    'failed at the work': [`failed, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'no: bad_state'],
    'expired before the look': [`expired, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'awaiting_eval_payment, replace, invoice eval 10?'],
    'expired before the work': [`expired, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'awaiting_work_payment, replace, say quote, invoice work 129!'],
    cancelled: [`cancelled, ${LATE}`, 'same', 'same', 'same', 'same', 'no: bad_state', 'no: bad_state'],
    'evaluating, prepaid': [`evaluating, ${LATE}`, 'executing, earn 10 eval, run execute', 'same', 'failed, owe 139 failed, receipt, say failed', 'same', 'cancelled, earn 10 eval, owe 129 cancelled, receipt, say cancelled', 'no: bad_state'],
    'executing, prepaid': [`executing, ${LATE}`, 'same', 'complete, earn 127 work, owe 2 change, receipt, say result', 'failed, owe 129 failed, receipt, say failed', 'same', 'no: bad_state', 'no: bad_state'],
  }; // prettier-ignore

  it.each(Object.entries(table))('%s', (name, expected) => {
    const job = STATES[name]!;
    const closed = { invoice: { ...EVAL_INVOICE, open: false } };
    const came = [
      shortly(job, paid('eval', 10, 99)),
      shortly(job, evaluated()),
      shortly(job, executed),
      shortly(job, failing(job.state === 'executing' ? 'execute' : 'evaluate')),
      shortly(job, lapsed, closed),
      shortly(job, says({ type: 'cancel' })),
      shortly(job, says({ type: 'invoice' })),
    ];
    expect(came).toEqual(expected);
  });

  it.each(Object.entries(STATES))('%s: prepay, join, timers and refund news move no money', (_name, job) => {
    const awaits = job.state === 'awaiting_eval_payment';
    expect(shortly(job, says({ type: 'prepay' }))).toBe(
      awaits ? 'awaiting_eval_payment, replace, invoice order 139?' : 'no: bad_state',
    );
    expect(shortly(job, says({ type: 'join', requestCharacters: 50 }))).toBe(
      awaits ? 'awaiting_eval_payment' : 'no: bad_state',
    );
    expect(shortly(job, { type: 'refund_changed', debtIds: [1] })).toBe(job.state);
    const working = job.state === 'evaluating' || job.state === 'executing';
    expect(shortly({ ...job, saidPaid: false }, timer('say_paid'))).toBe(working ? `${job.state}, say paid` : 'same');
    expect(shortly({ ...job, saidPaid: true }, timer('say_paid'))).toBe('same');
    expect(shortly(job, timer('say_progress'))).toBe(working ? 'same, say progress' : 'same');
    expect(shortly(job, timer('joined'))).toBe(awaits ? 'same, say joined, say invoice' : 'same');
  });
});

describe('verdicts', () => {
  it('rejected: the look is charged, no more', () =>
    expect(shortly(STATES['evaluating']!, evaluated(false))).toBe('rejected, earn 10 eval, receipt, say rejected'));
  it('rejected, paid in one: the work part is owed back', () =>
    expect(shortly(STATES['evaluating, prepaid']!, evaluated(false))).toBe(
      'rejected, earn 10 eval, owe 129 rejected, receipt, say rejected',
    ));
  it('accepted: quoted at the price of now', () =>
    expect(shortly(STATES['evaluating']!, evaluated(), { offerNow: offer(140) })).toContain('invoice work 140!'));
  it('accepted, paid in one: done at the price that was paid', () => {
    const job = after(prepaid, paid('order', 139), [evaluated(), { offerNow: offer(140) }]);
    expect(job).toMatchObject({ state: 'executing', offer: { quote: { amountSats: 129 } } });
  });
});

describe('one invoice for both', () => {
  const changed = after(opened, says({ type: 'prepay' }));
  it('whichever of the two is paid says what was bought', () => {
    expect(after(changed, paid('order', 139, 2))).toMatchObject({ state: 'evaluating', prepaid: true, taken: [2] });
    expect(after(changed, paid('eval', 10, 1))).toMatchObject({ state: 'evaluating', prepaid: false, taken: [1] });
  });
  it('paid both: the second is owed back whole', () => {
    const job = after(changed, paid('eval', 10, 1));
    expect(shortly(job, paid('order', 139, 2))).toBe('evaluating, owe 139 late_payment, say late_money');
  });
  it('asked for again, it is the same', () =>
    expect(shortly(prepaid, says({ type: 'prepay' }))).toBe('same, say invoice'));
  it('at a price that no longer is offered, it is owed back and the order still waits', () =>
    expect(shortly(prepaid, paid('order', 135))).toBe('awaiting_eval_payment, owe 135 late_payment, say late_money'));
});

describe('joined lines', () => {
  const join = says({ type: 'join', requestCharacters: 120 });
  it('the look costs the same, the invoice stays', () => {
    expect(shortly(opened, join, { offerNow: offer(200) })).toBe('awaiting_eval_payment');
    expect(after(opened, [join, { offerNow: offer(200) }])).toMatchObject({
      requestCharacters: 120,
      offer: { quote: { amountSats: 200 } },
      lastLineAt: T + 60,
    });
  });
  it('paid in one and dearer: another invoice', () =>
    expect(shortly(prepaid, join, { offerNow: offer(200) })).toBe(
      'awaiting_eval_payment, replace, invoice order 210?',
    ));
});

describe('the invoice again', () => {
  const again = says({ type: 'invoice' });
  it.each([
    [T + 3240, 'same, say invoice'],
    [T + 3241, 'awaiting_eval_payment, replace, invoice eval 10?'],
    [T + 9999, 'awaiting_eval_payment, replace, invoice eval 10?'],
  ])('at %i: shown while a tenth of its life is left', (now, expected) =>
    expect(shortly(opened, again, { now: unixSeconds(now) })).toBe(expected),
  );

  it('while it is being made: in a moment', () =>
    expect(shortly(opened, again, { invoice: null, invoiceComing: true })).toBe('no: bad_state'));

  it('for the work: a new quote at the price of today; either may still be paid, each under its own tariff', () => {
    const requoted = after(STATES['awaiting_work_payment']!, [
      again,
      { now: unixSeconds(T + 4000), offerNow: offer(150) },
    ]);
    expect(after(requoted, paid('work', 150))).toMatchObject({ state: 'executing', offer: offer(150) });
    expect(after(requoted, paid('work', 129))).toMatchObject({ state: 'executing', offer: offer(129) });
    expect(shortly(requoted, paid('work', 131))).toContain('owe 131 late_payment');
  });

  const week = unixSeconds(T + 60 + 7 * 86_400);
  it.each(['expired before the look', 'expired before the work'])('%s: reopened for seven days, not longer', (name) => {
    const job = STATES[name]!;
    expect(shortly(job, again, { now: week })).toMatch(/^awaiting_/);
    expect(shortly(job, again, { now: unixSeconds(week + 1) })).toBe('no: bad_state');
  });
  it('after the work step lapsed, no second look is paid', () =>
    expect(after(STATES['expired before the work']!, again, paid('work', 129)).state).toBe('executing'));
  it('of an erased request: nothing is left to sell', () => {
    const job = STATES['expired before the look']!;
    expect(shortly(job, again, { requestKept: false })).toBe('no: bad_state');
    const late = decide(job, paid('eval', 10), facts({ requestKept: false }));
    expect(late).toMatchObject({ effects: [{}, { notice: { type: 'late_money', wayOn: false } }] });
  });
});

describe('an invoice that ends', () => {
  const closed = { ...EVAL_INVOICE, open: false };
  it('while another is open or coming: nothing', () => {
    expect(shortly(opened, lapsed)).toBe('same');
    expect(shortly(opened, lapsed, { invoice: closed, invoiceComing: true })).toBe('same');
  });
  it('while we were down: replaced unasked, once', () => {
    const down = {
      invoice: closed,
      eventInvoiceEnd: T + 3600,
      startedAt: unixSeconds(T + 5000),
      now: unixSeconds(T + 5001),
    };
    expect(shortly(opened, lapsed, down)).toBe('awaiting_eval_payment, replace, invoice eval 10?');
    expect(shortly(after(opened, [lapsed, down]), lapsed, down)).toBe('expired');
    expect(shortly(STATES['awaiting_work_payment']!, lapsed, down)).toBe(
      'awaiting_work_payment, replace, say quote, invoice work 129!',
    );
  });
});

describe('an invoice that cannot be made', () => {
  const failed: Event = { type: 'invoice_failed', purpose: 'eval', replyTo: 5 };
  const none = { invoice: null };
  it('the first: nothing was created', () => expect(shortly(opened, failed, none)).toBe('gone, say unavailable'));
  it('a later one: the step waits to be taken up again', () => {
    expect(shortly(STATES['awaiting_work_payment']!, failed, none)).toBe('expired, say unavailable');
    expect(shortly(after(STATES['expired before the look']!, says({ type: 'invoice' })), failed, none)).toBe(
      'expired, say unavailable',
    );
  });
  it('while another is open or coming: nothing is lost', () => {
    expect(shortly(opened, failed)).toBe('same, say unavailable');
    expect(shortly(opened, failed, { invoice: null, invoiceComing: true })).toBe('same');
  });
  it('made after the order ended: its request is answered, nothing changes', () =>
    expect(shortly(STATES['cancelled']!, { type: 'invoice_ready', invoiceId: 1, purpose: 'eval', replyTo: 5 })).toBe(
      'same, say invoice',
    ));
});
