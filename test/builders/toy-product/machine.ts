import type { Decision, Effect, OrderEvent } from '../../../src/engine/index.ts';
import { refuse, type Refusal } from '../../../src/lib/errors.ts';
import { toMsats, type UnixSeconds } from '../../../src/lib/units.ts';
import { PRICE, type Echo, type EchoCommand, type EchoFacts, type EchoNotice, type Reversed } from './states.ts';

type EchoDecision = Decision<Echo, EchoNotice>;
type EchoEffect = Effect<EchoNotice>;

export interface NewEcho extends Pick<Echo, 'id' | 'owner' | 'dialect' | 'requestId'> {
  readonly expirySeconds: number;
  readonly replyTo: number;
}

/** A new order and its first invoice. Price and invoice leave together, when it exists: `invoice_ready`. */
export function openEcho({ expirySeconds, replyTo, ...order }: NewEcho, now: UnixSeconds): EchoDecision {
  const echo: Echo = {
    ...order,
    seq: 1,
    state: 'awaiting_payment',
    createdAt: now,
    updatedAt: now,
    resultId: null,
    paidBy: null,
  };
  return { order: echo, effects: [invoice(expirySeconds, replyTo)] };
}

/** The next state and what follows. Pure. */
export function decide(echo: Echo, event: OrderEvent<EchoCommand>, facts: EchoFacts): EchoDecision | Refusal {
  const isAwaiting = echo.state === 'awaiting_payment';
  switch (event.type) {
    case 'command':
      return obey(echo, event.command, event.replyTo, facts);
    case 'invoice_ready': {
      const { replyTo } = event;
      return changed(echo, facts, [
        ...(isAwaiting ? [say({ type: 'price' }, replyTo)] : []),
        say({ type: 'invoice' }, replyTo),
      ]);
    }
    case 'invoice_failed': {
      const told = event.replyTo === null ? [] : [say({ type: 'no_invoice' }, event.replyTo)];
      // It never had one: then it never was.
      return isAwaiting && facts.invoice === 'none' ? { order: null, effects: told } : same(echo, told);
    }
    case 'invoice_paid':
      if (isAwaiting) {
        return changed({ ...echo, state: 'reversing', paidBy: event.invoiceId }, facts, [
          { type: 'replace_invoices' },
          { type: 'run', activity: 'reverse', input: {} },
        ]);
      }
      return changed(echo, facts, [
        owe(echo, 'late_payment', `invoice:${event.invoiceId}`),
        say({ type: 'money_back', amountSats: event.amountSats }),
      ]);
    case 'invoice_lapsed':
      return isAwaiting && facts.invoice === 'none' ? changed({ ...echo, state: 'expired' }, facts, []) : same(echo);
    case 'activity_done': {
      if (echo.state !== 'reversing') return same(echo);
      const { resultId } = event.output as Reversed;
      return changed({ ...echo, state: 'complete', resultId }, facts, [
        { type: 'earn', amountMsats: toMsats(PRICE), as: 'echo', cause: echo.id },
        { type: 'receipt' },
        say({ type: 'result' }),
      ]);
    }
    case 'activity_failed':
      if (echo.state !== 'reversing') return same(echo);
      return changed({ ...echo, state: 'failed' }, facts, [owe(echo, 'failed', 'failed'), say({ type: 'failed' })]);
    case 'surplus':
      return same(echo, [say({ type: 'money_back', amountSats: event.amountSats })]);
    case 'refund_changed':
      return changed(echo, facts, []);
    default:
      return same(echo);
  }
}

function obey(echo: Echo, command: EchoCommand, replyTo: number, facts: EchoFacts): EchoDecision | Refusal {
  if (echo.state !== 'awaiting_payment') {
    const text = `${echo.id} is ${echo.state}: there is nothing to ${command.type === 'cancel' ? 'cancel' : 'pay'}.`;
    return refuse('bad_state', text, { state: echo.state, reason: text });
  }
  if (command.type === 'cancel') {
    return changed({ ...echo, state: 'cancelled' }, facts, [
      { type: 'replace_invoices' },
      say({ type: 'cancelled' }, replyTo),
    ]);
  }
  if (facts.invoice === 'open') return same(echo, [say({ type: 'price' }, replyTo), say({ type: 'invoice' }, replyTo)]);
  return same(echo, facts.invoice === 'coming' ? [] : [invoice(facts.expirySeconds, replyTo)]);
}

function invoice(expirySeconds: number, replyTo: number): EchoEffect {
  return { type: 'invoice', purpose: 'echo', amountSats: PRICE, expirySeconds, mayFail: true, reopens: false, replyTo };
}

function owe(echo: Echo, because: string, cause: string): EchoEffect {
  return { type: 'owe', amountMsats: toMsats(PRICE), because, cause: `${echo.id}:${cause}` };
}

function say(notice: EchoNotice, replyTo: number | null = null): EchoEffect {
  return { type: 'notify', notice, replyTo };
}

function changed(echo: Echo, { now }: EchoFacts, effects: readonly EchoEffect[]): EchoDecision {
  return { order: { ...echo, updatedAt: now }, effects };
}

/** The very same order: nothing is saved, and no program is told of a change. */
function same(echo: Echo, effects: readonly EchoEffect[] = []): EchoDecision {
  return { order: echo, effects };
}
