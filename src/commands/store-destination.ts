import { setPreferences, storeDestination, type Texts } from '../customers/index.ts';
import type { Product } from '../engine/index.ts';
import type { Tx } from '../db/index.ts';
import { withTimeout, type Clock } from '../lib/clock.ts';
import { OutsideError, refuse, type Refusal } from '../lib/errors.ts';
import { whyUnpayable } from '../lib/lightning-address.ts';
import { success } from '../messaging/dialects/jsonrpc/index.ts';
import { parseDestination, type TypedDestination } from '../messaging/dialects/text/index.ts';
import { loadInbound } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import { payAutomatically } from '../payments/index.ts';
import type { LnurlPay } from '../ports/lnurl.ts';
import { schedule, type Commit, type TaskKind } from '../tasks/index.ts';
import { accountOf } from './account-shape.ts';
import { refusalOf, refuseAsked } from './pay-address.ts';

/** What `account.set` is to set once the destination was found to be one. */
export interface Storing {
  readonly owner: string;
  readonly destination: string;
  readonly refundsOn: boolean | null;
  readonly keepOn: boolean | null;
  readonly replyTo: number;
}

/** A program is answered within this, or told to try later (protocol.md). */
const ANSWER_MS = 10_000;
const LEAST_MS = 2000;

/** A `refund_to` as typed: a Lightning address or LNURL that can be read and leads to a public host, or why not. */
export function storable(text: string, options: { readonly allowPrivateNetwork: boolean }): TypedDestination | Refusal {
  const to = parseDestination(text);
  if (to === null || to.kind === 'bolt11') return refusedToStore('malformed');
  const why = whyUnpayable(to.value, options);
  return why === null ? to : refusedToStore(why);
}

function refusedToStore(why: string): Refusal {
  return refuse('bad_destination', 'refund_to takes a Lightning address or LNURL that leads to a public host.', {
    why,
  });
}

export function scheduleStoring(tx: Tx, storing: Storing, clock: Clock): void {
  const now = clock.now();
  schedule(tx, { kind: 'destination.store', payload: storing, dueAt: now, now });
}

/**
 * Asks a destination once whether it is one, before it is stored: what is wrong is found out while its owner is there,
 * not when money waits for it.
 *
 * Killed midway: nothing happened; it is asked again.
 */
export function storeDestinationTask(options: {
  readonly clock: Clock;
  readonly texts: Texts;
  readonly lnurl: LnurlPay;
  readonly products: readonly Product[];
}): TaskKind<Storing> {
  const { clock, texts, lnurl } = options;
  return {
    kind: 'destination.store',
    pool: 'lookups',
    leaseSeconds: 60,
    maxAttempts: 10,
    run: async (task, signal): Promise<Commit> => {
      const { owner, destination, refundsOn, keepOn, replyTo } = task.payload;
      const left = Math.max(LEAST_MS, ANSWER_MS - (clock.now() - task.createdAt) * 1000);
      const failed = await ask(lnurl, clock, destination, left, signal);
      return (tx) => {
        const message = loadInbound(tx, replyTo);
        if (failed !== null) return refuseAsked(options, tx, message, refusalOf(failed, destination));
        storeDestination(tx, owner, destination);
        setPreferences(tx, owner, {
          ...(refundsOn === null ? {} : { refundsOn }),
          ...(keepOn === null ? {} : { keepOn }),
        });
        const now = clock.now();
        payAutomatically(tx, owner, now, now);
        answerRpc(
          tx,
          texts,
          message,
          success(message.rpcId, accountOf(tx, options.products, owner)),
          { replayable: true },
          now,
        );
      };
    },
  };
}

async function ask(
  lnurl: LnurlPay,
  clock: Clock,
  destination: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<OutsideError | null> {
  const limited = withTimeout(clock, timeoutMs, signal);
  try {
    await lnurl.resolve(destination, limited.signal);
    return null;
  } catch (error) {
    // Broken off by our own stop it says nothing about the destination.
    if (error instanceof OutsideError && !signal.aborted) return error;
    throw error;
  } finally {
    limited.done();
  }
}
