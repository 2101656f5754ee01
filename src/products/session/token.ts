import type { Texts } from '../../customers/index.ts';
import type { Database, Tx } from '../../db/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { sha256Hex } from '../../lib/hash.ts';
import type { Rng } from '../../lib/rng.ts';
import { failureOf, success } from '../../messaging/dialects/jsonrpc/index.ts';
import { enqueue, loadInbound, SENT_ONCE, type InboundMessage, type SealSecret } from '../../messaging/index.ts';
import { keepAnswer } from '../../messaging/replay.ts';
import { answerRpc } from '../../messaging/rpc-answers.ts';
import type { Commit, TaskKind } from '../../tasks/index.ts';
import { loadSession } from './store.ts';
import { isLive } from './machine.ts';

export interface TokenOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly engine: Engine;
  readonly texts: Texts;
  readonly sealSecret: SealSecret;
}

const IS_OVER = refuse('bad_state', 'That session is over: no token was made.', { reason: 'it is over' });

/**
 * Makes an access token, seals it for the session's owner, and keeps its hash: what is at rest opens with the owner's
 * key alone. It replaces the one before.
 *
 * Killed midway: nothing was kept; another token is made.
 */
export function tokenTask(options: TokenOptions): TaskKind<{ sessionId: string; inboxId: number }> {
  const { database, clock, rng, engine, sealSecret, texts } = options;

  function refused(tx: Tx, message: InboundMessage, why: Refusal): void {
    const now = clock.now();
    if (message.dialect === 'rpc')
      return answerRpc(tx, texts, message, failureOf(message.rpcId, why), { replayable: true }, now);
    enqueue(tx, texts, { to: message.sender, text: why.text, answering: message }, now);
  }

  return {
    kind: 'session.token',
    pool: 'receipts',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task): Promise<Commit> => {
      const { sessionId, inboxId } = task.payload;
      const message = loadInbound(database.read, inboxId);
      const session = loadSession(database.read, sessionId);
      if (session === undefined || !isLive(session)) return (tx) => refused(tx, message, IS_OVER);
      const token = Buffer.from(rng.bytes(32)).toString('hex');
      const isProgram = message.dialect === 'rpc';
      const told = isProgram
        ? [success(message.rpcId, { token })]
        : [
            `Whoever has this token spends from ${sessionId}: another key of yours, or a friend. They write to me: use, and the token. It is shown once; token makes another and ends this one.`,
            token,
          ];
      const sealed: ((tx: Parameters<Commit>[0]) => void)[] = [];
      for (const [index, text] of told.entries())
        sealed.push(
          await sealSecret({ to: session.owner, text, answering: message, reference: index === 0, orderId: sessionId }),
        );
      return (tx) => {
        const event = {
          type: 'command' as const,
          command: { type: 'token', hash: sha256Hex(token) },
          replyTo: inboxId,
        };
        const why = engine.deliver(tx, { kind: 'session', id: sessionId }, event);
        if (why !== undefined) return refused(tx, message, why);
        for (const keep of sealed) keep(tx);
        if (message.rpcKey !== null)
          keepAnswer(tx, message.rpcKey, { textId: SENT_ONCE, orderId: sessionId }, clock.now());
      };
    },
  };
}
