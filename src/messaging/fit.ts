import { numberParts, splitMessage } from '../lib/message-parts.ts';
import type { Tx } from '../db/index.ts';
import type { Log } from '../lib/log.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { MAX_RUMOR_BYTES } from '../nostr/seal.ts';
import { schedule, type TaskKind } from '../tasks/index.ts';
import { failure, RPC_ERROR, type RpcId } from './dialects/jsonrpc/index.ts';

/** JSON bytes of a text within its rumor: what stands around it (keys, tags, dates) takes less than the rest. */
const MAX_TEXT_BYTES = MAX_RUMOR_BYTES - 960;
/** Bytes of a part of words: no character but control characters grows to six bytes in JSON. */
const PART_BYTES = 6000;
/** Longest string that a notification keeps which would not fit whole; an invoice is shorter. */
const KEPT_CHARS = 2000;

export interface Fitted {
  /** One, or several that belong together in this order. */
  readonly texts: readonly [string, ...string[]];
  /** Something of it was left out: a fault of ours, made where it was rendered. */
  readonly lost: boolean;
}

/**
 * What of a text fits into its envelope (NIP-44 within NIP-59): words are cut into numbered parts, an answer by JSON-RPC
 * becomes -32603, and a notification keeps what is short. Nothing that is enqueued fails for ever where it is sealed.
 */
export function fitted(text: string): Fitted {
  if (fits(text)) return { texts: [text], lost: false };
  const rpc = asRpc(text);
  if (rpc === null) {
    const [first = '', ...rest] = numberParts(splitMessage(text, PART_BYTES));
    return { texts: [first, ...rest], lost: false };
  }
  if (rpc.method === undefined) {
    const told =
      'The answer is too large for one message, so I cannot send it. What you asked for was done all the same.';
    return { texts: [failure((rpc.id ?? null) as RpcId, RPC_ERROR.internal, told)], lost: true };
  }
  const short = JSON.stringify({ ...rpc, params: shortened(rpc.params, 3) });
  return { texts: [fits(short) ? short : JSON.stringify({ ...rpc, params: {} })], lost: true };
}

function fits(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) <= MAX_TEXT_BYTES;
}

/** The envelope of a text that is one of ours, else null. */
function asRpc(text: string): { method?: string; id?: unknown; params?: unknown } | null {
  return text.startsWith('{"jsonrpc":') ? (JSON.parse(text) as object) : null;
}

/** Without its lists and long strings: ids, states, amounts and the open invoice stay. */
function shortened(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length <= KEPT_CHARS ? value : null;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return [];
  if (depth === 0) return null;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shortened(one, depth - 1)]));
}

const TOO_LARGE = 'outbox.too_large';

/** Owes the operator the news that something was left out of a message about this order. */
export function reportTooLarge(tx: Tx, orderId: string | null, now: UnixSeconds): void {
  schedule(tx, { kind: TOO_LARGE, payload: { orderId }, key: TOO_LARGE, dueAt: now, now });
}

/**
 * Tells the operator that an answer was too large for its envelope.
 *
 * Killed midway: nothing was told; it is told again.
 */
export function tooLargeTask(options: {
  readonly log: Log;
  readonly alert: (tx: Tx, what: string) => void;
}): TaskKind<{ orderId: string | null }> {
  return {
    kind: TOO_LARGE,
    pool: 'housekeeping',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task) => {
      const { orderId } = task.payload;
      options.log.error('message.too_large', { order: orderId });
      return (tx) =>
        options.alert(
          tx,
          `An answer was too large for one message, and something was left out of it${orderId === null ? '' : ` (${orderId})`}. This is a bug of ours: please report it. No money is affected.`,
        );
    },
  };
}
