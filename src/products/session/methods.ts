import { z } from 'zod';
import { askFor } from '../../customers/index.ts';
import { unlessRefused, type Tx } from '../../db/index.ts';
import {
  findKeyUse,
  keepKeyUse,
  rpcMethod,
  type CommandContext,
  type RpcMethod,
  type RpcOutcome,
} from '../../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../../lib/errors.ts';
import { paramsDigest } from '../../messaging/dialects/jsonrpc/index.ts';
import { destinationParam } from '../_shared/destination-param.ts';
import { ask, deliver, outOfBounds, type AskingOptions } from './asking.ts';
import { isLive } from './machine.ts';
import { open } from './opening.ts';
import type { Session } from './states.ts';
import { balanceOf } from './request-store.ts';
import { loadSession, newestThatOwes, openSessionOf } from './store.ts';
import { beginTalk } from './talkers.ts';
import { openedBy } from './using.ts';
import { TOKEN_IS_SECRET } from './secrets.ts';

export interface Choosing {
  readonly sessionFor: (tx: Tx, sender: string) => Session | undefined;
  readonly issueToken: (tx: Tx, sessionId: string, context: CommandContext) => void;
}

const tokenParam = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/)
  .optional();

/** `session.*` (docs/rpc.md). */
export function sessionMethods(options: AskingOptions, { sessionFor, issueToken }: Choosing): RpcMethod[] {
  const { settings, sessions } = options;

  /** By token, else the one in which this key asks. Absent and foreign are one answer. */
  function chosen(tx: Tx, token: string | undefined, context: CommandContext): Session | Refusal {
    if (token !== undefined) return openedBy(tx, token.toLowerCase(), context);
    const session = sessionFor(tx, context.message.sender);
    if (session !== undefined) return session;
    const waits = openSessionOf(tx, context.message.sender);
    return waits === undefined
      ? refuse('not_found', 'No session of yours is open. session.create opens one.')
      : refuse('bad_state', `${waits.id} waits for its deposit.`, { state: waits.state, reason: 'not paid yet' });
  }
  const shown = (tx: Tx, session: Session, { message }: CommandContext) => ({
    result: { session: sessions.rpc(tx, session.id, false, message.sender) },
  });
  function own(tx: Tx, { message }: CommandContext): Session | Refusal {
    return openSessionOf(tx, message.sender) ?? refuse('not_found', 'No session of yours is open.');
  }
  /** One that is over, where none is open: a destination that failed when it was closed may be followed by another. */
  function overAlready(tx: Tx, { message }: CommandContext): Session | undefined {
    if (openSessionOf(tx, message.sender) !== undefined) return undefined;
    const last = newestThatOwes(tx, message.sender);
    return last !== undefined && last.depositedSats > 0 ? last : undefined;
  }

  /**
   * Closed, and its rest paid out, answered when the destination is accepted. An invoice: both, or neither. An address is
   * asked once it is closed: where it gives none the rest is owed, and the same request may name another.
   */
  function closeTo(tx: Tx, session: Session, destination: string, context: CommandContext): RpcOutcome | Refusal {
    const { id } = session;
    if (balanceOf(tx, id).heldSats > 0) {
      const reason = 'requests of it are being answered';
      return refuse('bad_state', `${id} is still answering: close it without a destination, or in a moment.`, {
        state: session.state,
        reason,
      });
    }
    const paid = unlessRefused<'now' | 'later'>(tx, () => {
      const event = { type: 'by_hand' as const, command: { type: 'close' } };
      return options.engine.deliver(tx, { kind: 'session', id }, event) ?? context.payOrder(tx, id, destination);
    });
    return paid === 'now' ? shown(tx, session, context) : paid;
  }

  return [
    rpcMethod({
      method: 'session.create',
      params: z.strictObject({
        amount_sats: z.int(),
        refund_to: z.string().max(2100).optional(),
        key: z.string().min(1).max(64).optional(),
      }),
      changes: true,
      needsPrice: true,
      run: (tx, params, context) => {
        const { message, now } = context;
        const { amount_sats: amountSats, refund_to, key } = params;
        const refundTo = destinationParam('refund_to', refund_to, settings.TIMMY_ALLOW_PRIVATE_NETWORK);
        if (isRefusal(refundTo)) return refundTo;
        const bounds = outOfBounds(settings, amountSats);
        if (bounds !== undefined) return bounds;
        const use =
          key === undefined
            ? null
            : { owner: message.sender, method: 'session.create', key, paramsHash: paramsDigest(params) };
        const known = use === null ? null : findKeyUse(tx, use, now);
        if (known?.use === 'other_params')
          return refuse('invalid_params', 'This key was used with other params within 24 hours.', {
            issues: [{ path: ['key'], message: 'used with other params' }],
          });
        const same = known?.use === 'same' ? loadSession(tx, known.orderId) : undefined;
        if (same !== undefined) return shown(tx, same, context);
        const there = openSessionOf(tx, message.sender);
        if (there?.state === 'awaiting_payment') {
          const refused = deliver(options, tx, there.id, { type: 'invoice' }, context);
          return refused === undefined ? 'later' : shown(tx, there, context);
        }
        if (there !== undefined)
          return refuse('bad_state', `${there.id} is open already: session.topup adds to it.`, {
            state: there.state,
            reason: 'one is open',
            id: there.id,
          });
        const opened = open(options, tx, { amountSats, fromOwed: false }, context);
        if (isRefusal(opened)) return opened;
        if (use !== null) keepKeyUse(tx, { ...use, orderId: opened }, now);
        if (refundTo !== null) askFor(tx, message.sender, refundTo);
        return 'later';
      },
    }),
    rpcMethod({
      method: 'session.get',
      params: z.strictObject({ id: z.string().max(16).optional(), token: tokenParam }).optional(),
      changes: false,
      run: (tx, params, context) => {
        const { sender } = context.message;
        if (params?.token !== undefined) {
          const session = chosen(tx, params.token, context);
          return isRefusal(session) ? session : shown(tx, session, context);
        }
        const found =
          params?.id === undefined
            ? (openSessionOf(tx, sender) ?? newestThatOwes(tx, sender))
            : loadSession(tx, params.id);
        if (found?.owner !== sender) return refuse('not_found', 'There is no such session of yours.');
        return shown(tx, found, context);
      },
    }),
    rpcMethod({
      method: 'session.request',
      params: z.strictObject({ request: z.string().trim().min(1), token: tokenParam }),
      changes: true,
      needsPrice: true,
      run: (tx, { request, token }, context) => {
        const session = chosen(tx, token, context);
        return isRefusal(session) ? session : ask(options, tx, session, request, context);
      },
    }),
    rpcMethod({
      method: 'session.topup',
      params: z.strictObject({ amount_sats: z.int(), token: tokenParam }),
      changes: true,
      needsPrice: true,
      run: (tx, { amount_sats: amountSats, token }, context) => {
        const session = chosen(tx, token, context);
        if (isRefusal(session)) return session;
        const refused = outOfBounds(settings, amountSats);
        if (refused !== undefined) return refused;
        return deliver(options, tx, session.id, { type: 'topup', amountSats }, context) ?? 'later';
      },
    }),
    rpcMethod({
      method: 'session.token',
      nip17Only: TOKEN_IS_SECRET,
      params: z.strictObject({ revoke: z.boolean().optional() }).optional(),
      changes: true,
      run: (tx, params, context) => {
        const session = own(tx, context);
        if (isRefusal(session)) return session;
        if (!isLive(session))
          return refuse('bad_state', `${session.id} waits for its deposit.`, {
            state: session.state,
            reason: 'not paid yet',
          });
        if (params?.revoke === true)
          return deliver(options, tx, session.id, { type: 'token', hash: null }, context) ?? 'later';
        issueToken(tx, session.id, context);
        return 'later';
      },
    }),
    rpcMethod({
      method: 'session.new',
      params: z.strictObject({ token: tokenParam }).optional(),
      changes: true,
      run: (tx, params, context) => {
        const session = chosen(tx, params?.token, context);
        if (isRefusal(session)) return session;
        beginTalk(tx, session.id, context.message.sender);
        return shown(tx, session, context);
      },
    }),
    rpcMethod({
      method: 'session.close',
      params: z.strictObject({ destination: z.string().max(4200).optional() }).optional(),
      changes: true,
      run: (tx, params, context) => {
        const destination = params?.destination;
        const before = destination === undefined ? undefined : overAlready(tx, context);
        if (destination !== undefined && before !== undefined) {
          const paid = context.payOrder(tx, before.id, destination);
          return paid === 'now' ? shown(tx, before, context) : paid;
        }
        const session = own(tx, context);
        if (isRefusal(session)) return session;
        const isPaidOut = isLive(session) && balanceOf(tx, session.id).freeSats > 0;
        if (destination === undefined || !isPaidOut)
          return deliver(options, tx, session.id, { type: 'close' }, context) ?? 'later';
        return closeTo(tx, session, destination, context);
      },
    }),
  ];
}
