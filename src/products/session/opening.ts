import { unlessRefused, type Tx } from '../../db/index.ts';
import { newOrderId, type CommandContext } from '../../engine/index.ts';
import { isRefusal, type Refusal } from '../../lib/errors.ts';
import { sats } from '../../lib/units.ts';
import { outOfBounds, type AskingOptions } from './asking.ts';
import { requestFace, sessionFace } from './face.ts';
import { openSession } from './machine.ts';
import { openRequest } from './request-machine.ts';

export interface Opening {
  readonly amountSats: number;
  readonly fromOwed: boolean;
  /** The kept text of a request that is to run once it is paid. */
  readonly held?: { readonly textId: number; readonly inboxId: number };
}

/** Opens a session for this customer, who has none, or says why not. @returns its id. */
export function open(
  options: AskingOptions,
  tx: Tx,
  wish: Opening,
  { message, now }: CommandContext,
): string | Refusal {
  const { engine, settings, rng, sessions, requests } = options;
  const refused = outOfBounds(settings, wish.amountSats);
  if (refused !== undefined) return refused;
  return unlessRefused(tx, () => {
    const id = newOrderId(tx, rng, sessionFace);
    const dialect = message.dialect ?? 'words';
    const decision = openSession(
      {
        id,
        owner: message.sender,
        dialect,
        amountSats: sats(wish.amountSats),
        fromOwed: wish.fromOwed,
        expirySeconds: settings.INVOICE_EXPIRY_SECONDS,
        replyTo: message.id,
      },
      now,
    );
    const failed = engine.open(tx, sessions, decision, message);
    if (failed !== undefined) return failed;
    if (wish.held !== undefined) {
      const { textId: requestId, inboxId: replyTo } = wish.held;
      const request = {
        id: newOrderId(tx, rng, requestFace),
        owner: message.sender,
        sessionId: id,
        dialect,
        requestId,
        talk: 0,
        replyTo,
      };
      const refusedToo = engine.open(tx, requests, openRequest(request, { waits: 'topup' }, now), message);
      if (isRefusal(refusedToo)) return refusedToo;
    }
    return id;
  });
}
