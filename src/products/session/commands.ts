import type { Reader, Tx } from '../../db/index.ts';
import {
  wordCommand,
  type CommandContext,
  type FreeText,
  type ProductCommands,
  type WordCommand,
} from '../../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../../lib/errors.ts';
import { wholeSats } from '../../lib/units.ts';
import { hex32, isNumberLike, nothing, one, optional, wholeNumber } from '../../messaging/dialects/text/index.ts';
import { claimableInAll, owedInAll } from '../../payments/index.ts';
import { schedule } from '../../tasks/index.ts';
import { dropHeldText, heldTextOf, holdText } from '../_shared/held-text.ts';
import { ask, deliver, outOfBounds, type AskingOptions } from './asking.ts';
import { endedWithMoney, noteAsked } from './ended.ts';
import { boundsOf } from './config.ts';
import { isLive, topupFor } from './machine.ts';
import { sessionMethods } from './methods.ts';
import { buys, questionNow } from './need.ts';
import { open } from './opening.ts';
import { TOKEN_IS_SECRET } from './secrets.ts';
import type { Session } from './states.ts';
import { openSessionOf } from './store.ts';
import { beginTalk, dropHolds, heldSessionOf, lapsedHoldOf } from './talkers.ts';
import { balanceText } from './text.ts';
import { useToken } from './using.ts';

const NONE_OPEN = 'No session of yours is open. session 500 opens one: pay once, ask many times.';

/** How customers pay once and talk on: in words and by JSON-RPC. */
export function sessionCommands(options: AskingOptions): ProductCommands {
  const { settings, clock } = options;
  const saying = { ...options, now: () => clock.now() };

  /** The live session in which this sender asks: their own, else one whose token they hold. */
  function sessionFor(tx: Reader, sender: string): Session | undefined {
    const own = openSessionOf(tx, sender);
    return own !== undefined && isLive(own) ? own : heldSessionOf(tx, sender);
  }

  function openWord(tx: Tx, amount: number | null, context: CommandContext): Refusal | undefined {
    const { sender } = context.message;
    const there = openSessionOf(tx, sender);
    if (there?.state === 'awaiting_payment') return deliver(options, tx, there.id, { type: 'invoice' }, context);
    if (there !== undefined)
      return refuse('bad_state', `You have one open. ${balanceText(saying, tx, there)}`, {
        state: there.state,
        reason: 'one is open',
      });
    const held = heldTextOf(tx, sender);
    const owed = wholeSats(claimableInAll(tx, sender));
    const question = questionNow(options, tx).sats;
    if (amount === null && owed < Math.max(question, settings.SESSION_MIN_DEPOSIT_SATS)) {
      const offers = [500, 1000].filter((sats) => outOfBounds(settings, sats) === undefined);
      const lines = (offers.length === 0 ? [settings.SESSION_MIN_DEPOSIT_SATS] : offers).map(
        (sats) => `session ${sats}: ${buys(sats, question)}`,
      );
      context.say(
        tx,
        `Pay once, ask many times; each answer is charged at what it cost, and what is left is yours. ${lines.join('. ')}.`,
      );
      return undefined;
    }
    const amountSats = amount ?? Math.min(owed, settings.SESSION_MAX_DEPOSIT_SATS);
    const opened = open(
      options,
      tx,
      { amountSats, fromOwed: amount === null, ...(held === undefined ? {} : { held }) },
      context,
    );
    if (isRefusal(opened)) return opened;
    dropHeldText(tx, sender);
    return undefined;
  }

  /** Asked in the live session of its sender, or held until they say what they mean. */
  const freeText: FreeText = {
    isMine: (reader, _text, { sender }) => {
      if (sessionFor(reader, sender) !== undefined) return true;
      if (openSessionOf(reader, sender) !== undefined) return false;
      return endedWithMoney(reader, sender) !== undefined || lapsedHoldOf(reader, sender) !== null;
    },
    take: (tx, text, context) => {
      const { message, now } = context;
      const session = sessionFor(tx, message.sender);
      if (session !== undefined) {
        const asked = ask(options, tx, session, text, context);
        return asked === 'later' ? undefined : asked;
      }
      const ended = endedWithMoney(tx, message.sender);
      const lapsed = lapsedHoldOf(tx, message.sender);
      if (ended === undefined && lapsed === null) throw new Error('session.nothing_to_ask_about');
      dropHolds(tx, message.sender);
      if (ended !== undefined) noteAsked(tx, ended, now);
      const textId = options.texts.keep(tx, message.sender, text, now);
      holdText(tx, message.sender, { textId, inboxId: message.id }, now);
      const question =
        ended === undefined
          ? `${lapsed} takes your token no more: it was replaced, or the session is over. I did not ask that, and nothing was charged. job: have it answered as a single job. use <token>: with a new one, then write it again.`
          : `${ended.owedSats} sats of ${ended.session.id} are yours. session: go on with them. job: single job.`;
      context.say(tx, question, { paid: true });
      return undefined;
    },
  };

  const words: WordCommand[] = [
    wordCommand({
      word: 'session',
      usage: 'session [sats]',
      parse: optional('amount', wholeNumber),
      isMeant: isNumberLike,
      needsPrice: true,
      run: (tx, { amount }: { amount: number | null }, context) => openWord(tx, amount, context),
    }),
    wordCommand({
      word: 'topup',
      usage: 'topup <sats>',
      parse: optional('amount', wholeNumber),
      isMeant: isNumberLike,
      needsPrice: true,
      run: (tx, { amount }: { amount: number | null }, context) => {
        const own = openSessionOf(tx, context.message.sender);
        if (own?.state === 'awaiting_payment') return deliver(options, tx, own.id, { type: 'invoice' }, context);
        const session = sessionFor(tx, context.message.sender);
        if (session === undefined) return refuse('bad_state', NONE_OPEN);
        const amountSats = amount ?? topupFor(session, 0, { bounds: boundsOf(settings) });
        return (
          outOfBounds(settings, amountSats) ?? deliver(options, tx, session.id, { type: 'topup', amountSats }, context)
        );
      },
    }),
    wordCommand({
      word: 'balance',
      usage: 'balance',
      parse: nothing,
      needsPrice: true,
      run: (tx, _args, context) => {
        const { sender } = context.message;
        const session = sessionFor(tx, sender) ?? openSessionOf(tx, sender);
        if (session === undefined) {
          const owed = wholeSats(owedInAll(tx, sender));
          context.say(tx, owed > 0 ? `${owed} sats are yours: refund pays them out. ${NONE_OPEN}` : NONE_OPEN);
          return undefined;
        }
        const text = isLive(session)
          ? balanceText(saying, tx, session)
          : `${session.id} waits for its first payment. invoice ${session.id} shows it again.`;
        context.say(tx, text, { paid: true });
        return undefined;
      },
    }),
    wordCommand({
      word: 'new',
      usage: 'new',
      parse: nothing,
      run: (tx, _args, context) => {
        const session = sessionFor(tx, context.message.sender);
        if (session === undefined) return refuse('bad_state', NONE_OPEN);
        beginTalk(tx, session.id, context.message.sender);
        context.say(tx, 'A new conversation: what was said before is not told to the model again.', { paid: true });
        return undefined;
      },
    }),
    wordCommand({
      word: 'close',
      usage: 'close (ends your session; what is left is yours)',
      parse: nothing,
      careful: true,
      run: (tx, _args, context) => {
        const { sender } = context.message;
        const session = openSessionOf(tx, sender);
        if (session !== undefined) return deliver(options, tx, session.id, { type: 'close' }, context);
        const held = heldSessionOf(tx, sender);
        if (held === undefined) return refuse('bad_state', NONE_OPEN);
        return refuse('bad_state', `${held.id} is somebody else's: only its owner closes it. You may ask and top up.`);
      },
    }),
    wordCommand({
      word: 'token',
      usage: 'token',
      nip17Only: TOKEN_IS_SECRET,
      parse: nothing,
      run: (tx, _args, context) => {
        const { message } = context;
        const session = openSessionOf(tx, message.sender);
        if (session === undefined || !isLive(session)) return refuse('bad_state', NONE_OPEN);
        issueToken(tx, session.id, context);
        return undefined;
      },
    }),
    wordCommand({
      word: 'use',
      usage: 'use <token>',
      nip17Only: TOKEN_IS_SECRET,
      parse: one('token', hex32),
      isMeant: isBrokenToken,
      run: (tx, { token }: { token: string }, context) => {
        const used = useToken(tx, token, context);
        if (isRefusal(used)) return used;
        context.say(
          tx,
          `You ask in ${used.id} now. Just write; each answer says what it cost. topup <sats> adds to it.`,
          {
            paid: true,
          },
        );
        return undefined;
      },
    }),
  ];
  return {
    words,
    methods: sessionMethods(options, { sessionFor, issueToken }),
    help: [
      'session <sats>: pay once, ask many times',
      'balance, topup <sats>, new, close: about your session',
      'token, use <token>: another key spends from it',
    ],
    prices: {
      session_min_deposit_sats: settings.SESSION_MIN_DEPOSIT_SATS,
      session_max_deposit_sats: settings.SESSION_MAX_DEPOSIT_SATS,
    },
    limits: {
      session_min_balance_sats: settings.SESSION_MIN_BALANCE_SATS,
      session_expiry_hours: settings.SESSION_EXPIRY_HOURS,
      session_memory_tokens: settings.SESSION_MEMORY_TOKENS,
    },
    speaks: (reader, npub) => (heldSessionOf(reader, npub) === undefined ? undefined : 'holder'),
    freeText,
  };
}

/** Its task makes it, and answers. */
function issueToken(tx: Tx, sessionId: string, { message, now }: CommandContext): void {
  const lane = `token:${message.sender}`;
  schedule(tx, { kind: 'session.token', payload: { sessionId, inboxId: message.id }, lane, dueAt: now, now });
}

/** Hex, and not the 64 characters that a token has: cut, or with blanks in it. */
function isBrokenToken(rest: string): boolean {
  return /^[0-9a-f]{16,256}$/i.test(rest.replace(/\s+/g, ''));
}
