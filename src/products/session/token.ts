import type { Database } from '../../db/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { sha256Hex } from '../../lib/hash.ts';
import type { Rng } from '../../lib/rng.ts';
import { success } from '../../messaging/dialects/jsonrpc/index.ts';
import { loadInbound, type SealSecret } from '../../messaging/index.ts';
import { keepAnswer } from '../../messaging/replay.ts';
import type { Commit, TaskKind } from '../../tasks/index.ts';
import { loadSession } from './store.ts';
import { isLive } from './machine.ts';

export interface TokenOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly engine: Engine;
  readonly sealSecret: SealSecret;
}

/** The text of a kept answer that there never was: a replay hears that it was given once. */
const NO_TEXT = 0;

/**
 * Makes an access token, seals it for the session's owner, and keeps its hash: what is at rest opens with the owner's
 * key alone. It replaces the one before.
 *
 * Killed midway: nothing was kept; another token is made.
 */
export function tokenTask(options: TokenOptions): TaskKind<{ sessionId: string; inboxId: number }> {
  const { database, clock, rng, engine, sealSecret } = options;
  return {
    kind: 'session.token',
    pool: 'receipts',
    leaseSeconds: 30,
    maxAttempts: 10,
    run: async (task): Promise<Commit> => {
      const { sessionId, inboxId } = task.payload;
      const message = loadInbound(database.read, inboxId);
      const session = loadSession(database.read, sessionId);
      if (session === undefined || !isLive(session)) return () => {};
      const token = Buffer.from(rng.bytes(32)).toString('hex');
      const isProgram = message.dialect === 'rpc';
      const texts = isProgram
        ? [success(message.rpcId, { token })]
        : [
            `Whoever has this token spends from ${sessionId}: another key of yours, or a friend. They write to me: use, and the token. It is shown once; token makes another and ends this one.`,
            token,
          ];
      const sealed: ((tx: Parameters<Commit>[0]) => void)[] = [];
      for (const [index, text] of texts.entries())
        sealed.push(
          await sealSecret({ to: session.owner, text, answering: message, reference: index === 0, orderId: sessionId }),
        );
      return (tx) => {
        const event = {
          type: 'command' as const,
          command: { type: 'token', hash: sha256Hex(token) },
          replyTo: inboxId,
        };
        const refused = engine.deliver(tx, { kind: 'session', id: sessionId }, event);
        if (refused !== undefined) return;
        for (const keep of sealed) keep(tx);
        if (message.rpcKey !== null)
          keepAnswer(tx, message.rpcKey, { textId: NO_TEXT, orderId: sessionId }, clock.now());
      };
    },
  };
}
