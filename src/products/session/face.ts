import { sqlList, type ProductFace } from '../../engine/index.ts';
import { noChecks } from '../_shared/no-checks.ts';
import type { Request } from './request-states.ts';
import { balanceOf } from './request-store.ts';
import type { Session } from './states.ts';
import { loadSession } from './store.ts';
import { checkSessions } from './verify.ts';

/** The session as its rows show it. */
export const sessionFace: ProductFace = {
  kind: 'session',
  prefix: 'S',
  plural: 'sessions',
  table: 'sessions',
  listed: true,
  states: {
    open: ['awaiting_payment', 'active', 'paused'] satisfies Session['state'][],
    atWork: [],
    unpaidEnds: ['expired', 'closed'] satisfies Session['state'][],
  },
  texts: [],
  invoiceWords: { deposit: 'deposit', topup: 'top-up' },
  // Its requests are charged, each with a receipt of its own.
  receipts: null,
  prunes: [
    {
      table: 'session_talkers',
      added: null,
      // Who held its token is told with their next words that it is over, some days long.
      goes: `NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session_id AND (s.state IN ('active', 'paused')
         OR (r.token_hash IS NOT NULL AND s.updated_at >= @talk)))`,
    },
    { table: 'held_texts', added: null, goes: 'r.at < @talk' },
  ],
  checks: checkSessions,
  particulars: (reader, id) => {
    const session = loadSession(reader, id);
    if (session === undefined) return {};
    const { freeSats, heldSats, spentSats, requests } = balanceOf(reader, id);
    return {
      balance_sats: freeSats + heldSats,
      held_sats: heldSats,
      deposited_sats: session.depositedSats,
      spent_sats: spentSats,
      requests,
      expires_at: session.expiresAt,
    };
  },
};

const REQUEST_OPEN: readonly Request['state'][] = ['waiting', 'evaluating', 'executing'];

/** A request in a session as its rows show it. */
export const requestFace: ProductFace = {
  kind: 'request',
  prefix: 'R',
  plural: 'requests',
  table: 'requests',
  listed: false,
  states: {
    open: REQUEST_OPEN,
    atWork: ['evaluating', 'executing'] satisfies Request['state'][],
    unpaidEnds: ['cancelled'] satisfies Request['state'][],
  },
  texts: [
    { column: 'request_id', needed: `o.state IN ${sqlList(REQUEST_OPEN)}` },
    { column: 'result_id', needed: '0' },
    // Whoever has it erased is asked no more what they meant.
    { table: 'held_texts', column: 'text_id', needed: '0' },
  ],
  invoiceWords: {},
  receipts: { later: null },
  checks: noChecks,
};
