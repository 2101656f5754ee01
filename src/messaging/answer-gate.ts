import { mayTell } from '../customers/index.ts';
import { statement, type Reader, type Tx } from '../db/index.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import type { InboundMessage } from './inbound.ts';

/** `held`: not answered now; `tell`: nor was that said yet. */
export type GateVerdict =
  { readonly held: false } | { readonly held: true; readonly tell: boolean; readonly until: UnixSeconds };

/** Answers at once that nobody paid for. */
const BURST = 10;
/** What concerns money that was paid: so many a minute. */
const PAID_PER_MINUTE = 30;
const DAY = 86_400;
/** Who goes on all the same hears it once a minute, in words. Seconds. */
const SAID_AGAIN = 60;

/**
 * May this message be answered? Every answer to a stranger begins here, whatever it is (product.md: Limits): what nobody
 * paid for `perMinute` times, ten at once; who has paid for something within a day is answered thirty times. Counted in
 * the outbox itself, so that a restart opens nothing; the messages of one answer are one. A program hears it again as soon
 * as the time has passed that it was told to wait: to it silence is a request that hangs.
 */
export function judgeAnswer(
  tx: Tx,
  { sender }: InboundMessage,
  { perMinute, isProgram }: { readonly perMinute: number; readonly isProgram: boolean },
  now: UnixSeconds,
): GateVerdict {
  const isCustomer = hasPaidLately(tx, sender, now);
  const burst = isCustomer ? PAID_PER_MINUTE : BURST;
  const perSecond = (isCustomer ? PAID_PER_MINUTE : perMinute) / 60;
  const tokens = tokensLeft(
    answersSince(tx, sender, now - Math.ceil((2 * burst) / perSecond)),
    { burst, perSecond },
    now,
  );
  if (tokens >= 1) return { held: false };
  const until = plusSeconds(now, Math.max(1, Math.ceil((1 - tokens) / perSecond)));
  const wait = until - now;
  const tell = isProgram
    ? mayTell(tx, sender, 'slow_down:rpc', wait, now)
    : mayTell(tx, sender, 'slow_down', Math.max(SAID_AGAIN, wait), now);
  return { held: true, tell, until };
}

/** What is left of a bucket of `burst`, filled again by `perSecond`, after one was taken at each of these times. */
function tokensLeft(
  times: readonly number[],
  { burst, perSecond }: { burst: number; perSecond: number },
  now: number,
): number {
  let tokens = burst;
  let at = times[0] ?? now;
  for (const time of times) {
    tokens = Math.max(0, Math.min(burst, tokens + (time - at) * perSecond) - 1);
    at = time;
  }
  return Math.min(burst, tokens + (now - at) * perSecond);
}

/** Was this reader sent something about money that was paid, within a day? */
export function hasPaidLately(reader: Reader, sender: string, now: UnixSeconds): boolean {
  const sql = 'SELECT 1 FROM outbox WHERE recipient = ? AND created_at > ? AND paid LIMIT 1';
  return statement(reader, sql).get(sender, now - DAY) !== undefined;
}

/** When this reader was answered since then, oldest first; the messages of one answer are one. */
function answersSince(reader: Reader, recipient: string, since: number): number[] {
  return statement(
    reader,
    `SELECT min(created_at) AS at FROM outbox WHERE recipient = ? AND created_at > ? AND reply_to IS NOT NULL
     GROUP BY reply_to ORDER BY at`,
  )
    .pluck()
    .all(recipient, since) as number[];
}

/** Waiting to be delivered at a time: to one reader, and in all. What was paid for is never dropped. */
const WAITING_TO_ONE = 50;
const WAITING_IN_ALL = 5_000;

/** Has the outbox room for one more message that nobody paid for? */
export function hasOutboxRoom(reader: Reader, recipient: string): boolean {
  const of = statement(
    reader,
    `SELECT count(*) FROM (SELECT 1 FROM outbox WHERE recipient = ? AND state IN ('waiting', 'sealed') LIMIT ${WAITING_TO_ONE})`,
  );
  if ((of.pluck().get(recipient) as number) >= WAITING_TO_ONE) return false;
  const all = statement(
    reader,
    `SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state IN ('waiting', 'sealed') LIMIT ${WAITING_IN_ALL})`,
  );
  return (all.pluck().get() as number) < WAITING_IN_ALL;
}
