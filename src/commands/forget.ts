import { z } from 'zod';
import type { KeyId, Texts } from '../customers/index.ts';
import type { Database, Reader, Tx } from '../db/index.ts';
import {
  atWorkSince,
  rpcMethod,
  textsNeeded,
  wordCommand,
  type ProductFace,
  type RpcMethod,
  type WordCommand,
} from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import { success } from '../messaging/dialects/jsonrpc/index.ts';
import { nothing } from '../messaging/dialects/text/index.ts';
import { enqueue, loadInbound, textsOfNoMessage, textsUnderWay, type InboundMessage } from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import { RunAgain, schedule, type Commit, type TaskKind } from '../tasks/index.ts';

export interface ForgetOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly texts: Texts;
  readonly faces: readonly ProductFace[];
}

/** What is to go for good, and who is to hear of it. */
interface Forgetting {
  readonly owner: string;
  readonly upTo: KeyId;
  /** Null: a later look at what an earlier one left. */
  readonly answer: { readonly replyTo: number; readonly erased: number } | null;
}

/** So long after an order has ended at most its texts are there still. Seconds. */
const LOOK_AGAIN = 300;
/** So long until a reader is gone who keeps the WAL. Seconds. */
const WAL_WAIT = 1;

/** The word and the method by which customers have their texts erased beyond recovery. */
export function forgetCommands({ texts, faces }: ForgetOptions): { words: WordCommand[]; methods: RpcMethod[] } {
  const forget = (tx: Tx, message: InboundMessage, now: UnixSeconds): void => {
    const { sender: owner, id: replyTo } = message;
    const { erased, upTo } = texts.forget(tx, owner, neededTexts(tx, faces, owner, message.textId), now);
    scheduleForgetting(tx, { owner, upTo, answer: { replyTo, erased } }, now);
  };
  return {
    words: [
      wordCommand({
        word: 'forget',
        usage: 'forget (erases your texts for good)',
        parse: nothing,
        careful: true,
        run: (tx, _args, { message, now }) => {
          forget(tx, message, now);
          return undefined;
        },
      }),
    ],
    methods: [
      rpcMethod({
        method: 'forget',
        params: z.strictObject({}).optional(),
        changes: false,
        run: (tx, _params, { message, now }) => {
          forget(tx, message, now);
          return 'later';
        },
      }),
    ],
  };
}

/** One at a time for each customer: each finds what the one before it left. */
function scheduleForgetting(tx: Tx, forgetting: Forgetting, now: UnixSeconds): void {
  const lane = `forget:${forgetting.owner}`;
  const again = forgetting.answer === null ? { key: lane, dueAt: plusSeconds(now, LOOK_AGAIN) } : { dueAt: now };
  schedule(tx, { kind: 'texts.forget', payload: forgetting, lane, now, ...again });
}

/**
 * Destroys the keys of texts that were erased, empties the WAL, and tells the customer then; looks again for what orders
 * and answers on their way still needed, until that is gone too.
 *
 * Killed midway: some of it is gone, and the customer was told nothing; the rest goes at the next run.
 */
export function forgetTask({ database, clock, texts, faces }: ForgetOptions): TaskKind<Forgetting> {
  return {
    kind: 'texts.forget',
    pool: 'forgetting',
    leaseSeconds: 60,
    maxAttempts: Infinity,
    run: (task): Promise<Commit> => {
      const { owner, upTo, answer } = task.payload;
      const left = database.write((tx) => texts.eraseLeft(tx, owner, upTo, neededTexts(tx, faces, owner, null)));
      texts.destroyKeys(database.read, owner);
      if (!database.checkpoint('TRUNCATE')) return Promise.reject(new RunAgain(WAL_WAIT));
      return Promise.resolve((tx) => {
        const now = clock.now();
        if (answer !== null) tell(tx, texts, loadInbound(tx, answer.replyTo), answer.erased, left, now);
        if (left > 0) scheduleForgetting(tx, { owner, upTo, answer: null }, now);
      });
    },
  };
}

function tell(tx: Tx, texts: Texts, message: InboundMessage, erased: number, left: number, now: UnixSeconds): void {
  if (message.dialect === 'rpc')
    return answerRpc(tx, texts, message, success(message.rpcId, { erased }), { replayable: false }, now);
  const rest =
    left === 0
      ? ''
      : ` ${counted(left)} that open requests or answers on their way still need ${left === 1 ? 'goes' : 'go'} within minutes of their end; what I answer from now on is kept until you write forget again.`;
  const text = `Erased for good: ${counted(erased)}, and the key that opens them, so that copies of my database cannot show them either.${rest} Amounts, ids and receipts stay, for they are the books. What relays and your own app keep is not mine to erase.`;
  enqueue(tx, texts, { to: message.sender, text, answering: message }, now);
}

const counted = (texts: number): string => (texts === 1 ? '1 text' : `${texts} texts`);

/** A clock that was put back meanwhile dates a text so much before the state it was written in, at most. Seconds. */
const DATED_BEFORE = 3600;

/**
 * Texts of this customer that open orders and messages on their way need; `but` is not one of them. What work under way
 * has written is named by nothing until its order hears of it.
 */
function neededTexts(reader: Reader, faces: readonly ProductFace[], owner: string, but: number | null): number[] {
  const since = atWorkSince(reader, faces, owner);
  const written = since === null ? [] : textsOfNoMessage(reader, owner, since - DATED_BEFORE);
  return [...textsNeeded(reader, faces, owner), ...textsUnderWay(reader, owner), ...written].filter((id) => id !== but);
}
