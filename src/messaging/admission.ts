import type { RateLimits } from '../customers/index.ts';
import { statement, type Reader } from '../db/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { REFUSAL_ERROR } from './dialects/jsonrpc/errors.ts';
import { parseEnvelope } from './dialects/jsonrpc/index.ts';

/** Why a message's text is not kept: it is too long, its sender too fast, or strangers have filled their room for this hour. */
export type Shed = 'too_large' | 'too_fast' | 'no_room';

/** `silent`: its sender was told already; nothing at all is kept of it. */
export type Admission =
  | { readonly keeps: true }
  | { readonly keeps: false; readonly silent: true }
  | {
      readonly keeps: false;
      readonly silent: false;
      readonly shed: Shed;
      /** Seconds, of `too_fast`. */
      readonly retryAfter: number | null;
      /** What is kept instead: enough to answer in its dialect. */
      readonly stub: string;
    };

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly limits: RateLimits;
  readonly messageChars: number;
  readonly rpcBytes: number;
  /** Has this key paid us before? */
  readonly hasPaid: (reader: Reader, sender: string) => boolean;
  /** `LIMIT_STORE_MB_PER_HOUR`, in bytes. */
  readonly bytesPerHour: number;
}

const HOUR_MS = 3_600_000;
/**
 * Of the hour's room that others leave one sender takes at most this part, so that a few cannot take all of it. Who has
 * paid before takes twice this part of the whole, however full it is: paying for that costs more than the room.
 */
const SHARE = 8;
const MAX_SENDERS = 20_000;
/** A command before the text, and what clients put around it: the text alone is measured exactly where it is sold. */
const COMMAND_CHARS = 200;

/**
 * Judges a message before anything of it is kept (product.md: Limits): a stranger's bytes cost a stranger nothing, and
 * us a disk. One command of its sender is taken; it was not seen before.
 */
export function createAdmission(
  options: AdmissionOptions,
): (reader: Reader, sender: string, text: string) => Admission {
  const { clock, limits, messageChars, rpcBytes, bytesPerHour } = options;
  let hour = { from: clock.monotonicMs(), bytes: 0, of: new Map<string, number>() };
  let isSeeded = false;

  /** What this hour holds already, also of the life before. */
  function thisHour(reader: Reader): typeof hour {
    const now = clock.monotonicMs();
    if (now - hour.from >= HOUR_MS) hour = { from: now, bytes: 0, of: new Map() };
    if (!isSeeded) {
      isSeeded = true;
      hour.bytes = storedSince(reader, (clock.now() - HOUR_MS / 1000) as UnixSeconds);
    }
    return hour;
  }

  function hasRoom(reader: Reader, sender: string, bytes: number): boolean {
    const room = thisHour(reader);
    const own = room.of.get(sender) ?? 0;
    const left = bytesPerHour - (room.bytes - own);
    if (own + bytes > left / SHARE && !(own + bytes <= (2 * bytesPerHour) / SHARE && options.hasPaid(reader, sender)))
      return false;
    room.bytes += bytes;
    if (room.of.size < MAX_SENDERS || room.of.has(sender)) room.of.set(sender, own + bytes);
    return true;
  }

  return (reader, sender, text) => {
    const envelope = parseEnvelope(text, rpcBytes);
    // Nobody waits for an answer to these.
    if (envelope.type === 'ignored') return { keeps: false, silent: true };
    const shed = (why: Shed, retryAfter: number | null = null): Admission => ({
      keeps: false,
      silent: false,
      shed: why,
      retryAfter,
      stub: envelope.type === 'notRpc' ? '' : JSON.stringify({ jsonrpc: '2.0', id: envelope.id, method: '?' }),
    });
    const rate = limits.takeCommand(sender);
    if (!rate.pass) return rate.silent ? { keeps: false, silent: true } : shed('too_fast', rate.retryAfter);
    const bytes = Buffer.byteLength(text);
    const isTooLarge =
      envelope.type === 'notRpc'
        ? [...text].length > messageChars + COMMAND_CHARS
        : envelope.type === 'failure' && envelope.code === REFUSAL_ERROR.too_large;
    if (isTooLarge) return shed('too_large');
    return hasRoom(reader, sender, bytes) ? { keeps: true } : shed('no_room');
  };
}

function storedSince(reader: Reader, since: UnixSeconds): number {
  const sql = 'SELECT coalesce(sum(length(box)), 0) FROM texts WHERE created_at >= ?';
  return statement(reader, sql).pluck().get(since) as number;
}
