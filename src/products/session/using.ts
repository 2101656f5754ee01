import { mayTell } from '../../customers/index.ts';
import type { Tx } from '../../db/index.ts';
import type { CommandContext } from '../../engine/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { sha256Hex } from '../../lib/hash.ts';
import type { Session } from './states.ts';
import { sessionOfToken } from './store.ts';
import { countHolders, holdToken, MAX_HOLDERS } from './talkers.ts';
import { secretsRefused } from './secrets.ts';

/** Wrong tokens that one key may show within an hour: then nothing is looked up for it. */
const GUESSES = 5;
const HOUR = 3600;

/** The live session that a token opens; wrong, revoked and foreign are one answer. */
export function openedBy(tx: Tx, token: string, context: CommandContext): Session | Refusal {
  const { message, now } = context;
  const refused = secretsRefused(context);
  if (refused !== undefined) return refused;
  const session = sessionOfToken(tx, sha256Hex(token));
  const isSpent = (guess: number): boolean => mayTell(tx, message.sender, `guess:${guess}`, HOUR, now);
  if (session !== undefined) return session;
  for (let guess = 0; guess < GUESSES; guess++)
    if (isSpent(guess))
      return refuse('not_found', 'No open session has this token: it may have been replaced, or its session is over.');
  return refuse('rate_limited', 'Too many wrong tokens. Nothing was charged. Please wait an hour.', {
    retry_after: HOUR,
  });
}

/** What this key writes in words from now on is asked in that session. */
export function useToken(tx: Tx, token: string, context: CommandContext): Session | Refusal {
  const session = openedBy(tx, token, context);
  if ('refusal' in session) return session;
  const { sender } = context.message;
  if (session.owner === sender) return refuse('bad_state', `${session.id} is yours: you need no token. Just write.`);
  if (countHolders(tx, session) >= MAX_HOLDERS)
    return refuse('busy', `${MAX_HOLDERS} keys use this token already. Its owner can make another: token.`);
  holdToken(tx, session.id, sender, sha256Hex(token));
  return session;
}
