import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OrderEvent } from '../../engine/types.ts';
import { isRefusal } from '../../lib/errors.ts';
import { sats, unixSeconds } from '../../lib/units.ts';
import { decide, openJob } from './machine.ts';
import type { Job, JobCommand, JobFacts, Offer } from './states.ts';

/*
 * A small world around one job: it keeps invoices and money as the engine and payments do, and lets anything happen in
 * any order, events that were under way when something else came between them included.
 */

type InvoiceState = 'wanted' | 'open' | 'paid' | 'lapsed' | 'replaced' | 'failed';
interface Invoice {
  readonly id: number;
  readonly purpose: string;
  readonly amount: number;
  readonly mayFail: boolean;
  readonly createdAt: number;
  readonly expiresAt: number;
  state: InvoiceState;
}

const tariff = {} as Offer['tariff'];
const usage = { inputTokens: 60, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 180 };
const ENDED = ['complete', 'rejected', 'failed', 'cancelled', 'expired'];

class World {
  now = 1_800_000_000;
  price = 129;
  job: Job | null;
  readonly invoices: Invoice[] = [];
  /** Events filed and not yet delivered, in order. */
  readonly lane: OrderEvent<JobCommand>[] = [];
  readonly running: string[] = [];
  paid = 0;
  held = 0;
  earned = 0;
  owed = 0;
  /** What had been owed or earned when the job ended; `taken` by then. */
  private readonly causes = new Set<string>();

  constructor(prepaid: boolean) {
    const { order, effects } = openJob(
      {
        id: 'J-4KQ7M',
        owner: 'ab',
        dialect: 'words',
        requestId: 3,
        requestCharacters: 21,
        length: null,
        format: 'plain',
        updates: 'all',
        evalFeeSats: sats(10),
        prepaid,
        offer: this.offer(),
        expirySeconds: 3600,
        replyTo: 1,
      },
      unixSeconds(this.now),
    );
    this.job = order;
    this.apply(effects);
  }

  offer(): Offer {
    const quote = { estimatedInputTokens: 56, estimatedOutputTokens: 200, amountSats: sats(this.price), words: 150 };
    return { tariff, quote };
  }

  private facts(event: OrderEvent<JobCommand>): JobFacts {
    const shown = this.invoices.filter((one) => !['wanted', 'failed'].includes(one.state)).at(-1);
    return {
      now: unixSeconds(this.now),
      startedAt: unixSeconds(1_800_000_000),
      awaySeconds: 0,
      eventInvoiceCut: false,
      invoiceExpirySeconds: 3600,
      requestKept: true,
      offerNow: this.offer(),
      invoice: shown === undefined ? null : { ...shown, open: shown.state === 'open' },
      invoiceComing: this.invoices.some((one) => one.state === 'wanted'),

      askedByProgram: false,
      eventInvoiceEnd:
        'invoiceId' in event ? (this.invoices.find((one) => one.id === event.invoiceId)?.expiresAt ?? null) : null,
      settle: (offer) => {
        const chargedSats = sats(Math.min(127, offer.quote.amountSats));
        return { actualSats: sats(127), chargedSats, refundSats: sats(offer.quote.amountSats - chargedSats) };
      },
    };
  }

  deliver(event: OrderEvent<JobCommand>): void {
    const before = this.job;
    if (before === null) return;
    const decision = decide(before, event, this.facts(event));
    if (isRefusal(decision)) return;
    this.job = decision.order === null ? null : { ...decision.order, seq: before.seq + 1 };
    this.apply(decision.effects);
    if (ENDED.includes(before.state) && before.state !== 'expired') expect(this.job?.state).toBe(before.state);
  }

  private apply(effects: ReturnType<typeof openJob>['effects']): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'invoice':
          this.invoices.push({
            id: this.invoices.length + 1,
            purpose: effect.purpose,
            amount: effect.amountSats,
            mayFail: effect.mayFail,
            createdAt: this.now,
            expiresAt: this.now + effect.expirySeconds,
            state: 'wanted',
          });
          break;
        case 'replace_invoices':
          for (const one of this.invoices) {
            if (one.state === 'open') one.state = 'replaced';
            if (one.state === 'wanted') one.state = 'failed';
          }
          break;
        case 'owe':
        case 'earn': {
          const name = effect.type === 'owe' ? `owe ${effect.because}` : `earn ${effect.as}`;
          // As in the books: the same cause posts once, ever. A machine that repeats one would lose the money.
          expect(this.causes.has(`${name} ${effect.cause}`)).toBe(false);
          this.causes.add(`${name} ${effect.cause}`);
          const amount = Number(effect.amountMsats / 1000n);
          this.held -= amount;
          if (effect.type === 'owe') this.owed += amount;
          else this.earned += amount;
          break;
        }
        case 'run':
          this.running.push(effect.activity);
          break;
        default:
      }
    }
  }

  /** Does one of the things that can happen now, what moves a job on more often than what ends it. */
  step(choice: number): void {
    const has = (...states: InvoiceState[]): boolean => this.invoices.some((one) => states.includes(one.state));
    const likely: [string, number][] = [
      ['issue', has('wanted') ? 6 : 0],
      ['give up', has('wanted') ? 1 : 0],
      ['pay', has('open') ? 6 : has('lapsed', 'replaced') ? 2 : 0],
      ['lapse', has('open') ? 1 : 0],
      ['deliver', this.lane.length > 0 ? 12 : 0],
      ['accept', this.running.length > 0 ? 6 : 0],
      ...['reject', 'break'].map((what): [string, number] => [what, this.running.length > 0 ? 1 : 0]),
      ...['cancel', 'invoice', 'prepay', 'join', 'timer', 'time'].map((what): [string, number] => [what, 1]),
    ];
    const all = likely.flatMap(([what, weight]) => Array<string>(weight).fill(what));
    this.do(all[choice % all.length] ?? '', Math.floor(choice / all.length));
  }

  /** Does one of the things that the world may do; `which` chooses among the invoices. */
  do(what: string, which: number): void {
    const pick = (states: readonly InvoiceState[]): Invoice | undefined => {
      const fitting = this.invoices.filter((one) => states.includes(one.state));
      return fitting[which % Math.max(1, fitting.length)];
    };
    const reply = { type: 'command' as const, replyTo: 9 };
    switch (what) {
      case 'issue': {
        const one = pick(['wanted']);
        if (one === undefined) return;
        one.state = 'open';
        return void this.lane.push({ type: 'invoice_ready', invoiceId: one.id, purpose: one.purpose, replyTo: 1 });
      }
      case 'give up': {
        const one = pick(['wanted']);
        if (one?.mayFail !== true) return;
        one.state = 'failed';
        return void this.lane.push({ type: 'invoice_failed', purpose: one.purpose, replyTo: 1 });
      }
      case 'pay': {
        const one = pick(['open', 'lapsed', 'replaced']);
        if (one === undefined) return;
        one.state = 'paid';
        this.paid += one.amount;
        this.held += one.amount;
        const { id: invoiceId, purpose, amount } = one;
        return void this.lane.push({
          type: 'invoice_paid',
          invoiceId,
          purpose,
          amountSats: sats(amount),
          replyTo: null,
        });
      }
      case 'lapse': {
        const one = pick(['open']);
        if (one === undefined) return;
        this.now = Math.max(this.now, one.expiresAt);
        one.state = 'lapsed';
        return void this.lane.push({ type: 'invoice_lapsed', invoiceId: one.id, purpose: one.purpose });
      }
      case 'accept':
      case 'reject':
      case 'break': {
        const activity = this.running.shift();
        if (activity === undefined) return;
        if (what === 'break') {
          return void this.lane.push({ type: 'activity_failed', activity, code: 'model.empty', attempts: 2 });
        }
        const verdict = { accept: what === 'accept', reason: 'So.', model: 'm', usage };
        const work = { resultId: 1, resultParts: 1, cut: false, model: 'm', usage };
        return void this.lane.push({
          type: 'activity_done',
          activity,
          output: activity === 'evaluate' ? verdict : work,
        });
      }
      case 'deliver': {
        const event = this.lane.shift();
        return event === undefined ? undefined : this.deliver(event);
      }
      case 'cancel':
      case 'invoice':
      case 'prepay':
        return this.deliver({ ...reply, command: { type: what } });
      case 'join':
        return this.deliver({ ...reply, command: { type: 'join', requestCharacters: 30 + which } });
      case 'timer':
        return this.deliver({ type: 'timer', name: ['say_paid', 'say_progress', 'joined'][which % 3] ?? '' });
      case 'time':
        this.now += [1, 100, 3500, 86_400][which % 4] ?? 0;
        this.price = 100 + ((this.price * 7 + which) % 90);
        return;
      default:
        throw new Error(what);
    }
  }

  check(): void {
    // Every sat paid is earned, owed back, or held; nothing is given twice.
    expect(this.paid).toBe(this.earned + this.owed + this.held);
    expect(this.held).toBeGreaterThanOrEqual(0);
    // Never two live invoices.
    expect(this.invoices.filter((one) => one.state === 'open' || one.state === 'wanted').length).toBeLessThanOrEqual(1);
    const { job } = this;
    if (job === null) {
      expect(this.paid).toBe(0);
      return;
    }
    const onTheWay = this.lane.reduce((sum, event) => sum + (event.type === 'invoice_paid' ? event.amountSats : 0), 0);
    // What a job holds is what its running step was paid with.
    const work = job.offer.quote.amountSats;
    const holds =
      job.state === 'evaluating' ? job.evalFeeSats + (job.prepaid ? work : 0) : job.state === 'executing' ? work : 0;
    expect([job.state, this.held - onTheWay]).toEqual([job.state, holds]);
    // Paid work is being done: by an activity, or by its outcome on the way.
    const moved =
      this.running.length > 0 ||
      this.lane.some((event) => event.type === 'activity_done' || event.type === 'activity_failed');
    if (holds > 0) expect(moved).toBe(true);
  }
}

const steps = fc.array(fc.nat(100_000), { minLength: 5, maxLength: 60, size: 'max' });

it('whatever happens, in any order, every sat is accounted for', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.boolean(), steps, (prepaid, things) => {
      const world = new World(prepaid);
      world.check();
      for (const choice of things) {
        world.step(choice);
        world.check();
        seen.add(`${world.job?.state}${world.job?.prepaid === true ? ', prepaid' : ''}`);
      }
    }),
    { numRuns: 500 },
  );
  // The walk must not be a stroll around the beginning: it has to get everywhere, with one invoice and with two.
  for (const state of [...ENDED, 'evaluating', 'executing']) expect(seen).toContain(state);
  for (const state of [...ENDED, 'evaluating', 'executing']) expect(seen).toContain(`${state}, prepaid`);
});

it('once it has ended, all money that still comes is owed back', () => {
  const ending = fc.constantFrom('cancel', 'reject', 'break', 'accept', 'lapse');
  fc.assert(
    fc.property(fc.boolean(), steps, ending, (prepaid, things, end) => {
      const world = new World(prepaid);
      for (const choice of things) world.step(choice);
      world.do(end, 0);
      for (let left = world.lane.length; left > 0; left--) world.do('deliver', 0);
      if (world.job === null || !ENDED.includes(world.job.state) || world.running.length > 0) return;
      const earned = world.earned;
      for (let round = 0; round < 10; round++) {
        world.do('pay', 0);
        world.do('deliver', 0);
      }
      expect([world.held, world.earned, world.owed]).toEqual([0, earned, world.paid - earned]);
    }),
    { numRuns: 500 },
  );
});
