import { unlessRefused, type Tx } from '../../db/index.ts';
import { newOrderId, type CommandContext, type Engine, type Product } from '../../engine/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import type { Sats } from '../../lib/units.ts';
import { countCharacters } from '../../pricing/index.ts';
import type { Shop } from '../_shared/shop.ts';
import { requestFace } from './face.ts';
import { topupFor } from './machine.ts';
import { needFor, type NeedOptions } from './need.ts';
import { openRequest } from './request-machine.ts';
import { balanceOf, isBusyIn, waitingRequestOf } from './request-store.ts';
import { boundsOf } from './config.ts';
import type { Session } from './states.ts';
import { talkOf } from './talkers.ts';

export interface AskingOptions extends NeedOptions {
  readonly engine: Engine;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly sessions: Product;
  readonly requests: Product;
  readonly closedBecause: Shop['closedBecause'];
  readonly busyBecause: Shop['busyBecause'];
}

/**
 * Asks something in a live session. In words, what cannot run now waits: for the one before it, joined with what else
 * waits, or for a top-up. A program's runs at once beside others of its kind, or is refused with the top-up it needs.
 */
export function ask(
  options: AskingOptions,
  tx: Tx,
  session: Session,
  text: string,
  context: CommandContext,
): Refusal | 'later' {
  const { engine, texts, settings } = options;
  const { message, now } = context;
  const { sender } = message;
  const isProgram = message.dialect === 'rpc';
  const characters = countCharacters(text);
  if (characters > settings.LIMIT_MESSAGE_CHARS) return tooLong(characters, settings.LIMIT_MESSAGE_CHARS);
  const closed = options.closedBecause(tx);
  if (closed !== null)
    return refuse('unavailable', `I answer nothing just now: ${closed}. Nothing was charged. Please try again later.`);
  const waiting = isProgram ? undefined : waitingRequestOf(tx, session.id, sender);
  if (waiting?.requestId != null) {
    const before = texts.read(tx, waiting.requestId) ?? '';
    // Said once more in haste, it is the same question.
    const joined = before.split('\n').includes(text) ? before : `${before}\n${text}`;
    const all = countCharacters(joined);
    if (all > settings.LIMIT_MESSAGE_CHARS) return tooLong(all, settings.LIMIT_MESSAGE_CHARS);
    texts.replace(tx, waiting.requestId, joined);
    const event = { type: 'command' as const, command: { type: 'join' }, replyTo: message.id };
    const refused = engine.deliver(tx, { kind: 'request', id: waiting.id }, event);
    if (refused !== undefined) return refused;
    if (isBusyIn(tx, session.id, sender)) return 'later';
  }
  const busy = waiting === undefined ? options.busyBecause(tx, sender) : null;
  if (busy !== null) return busy;
  const talk = { sessionId: session.id, owner: sender, talk: talkOf(tx, session.id, sender) };
  const written = waiting?.requestId == null ? text : (texts.read(tx, waiting.requestId) ?? text);
  const need = needFor(options, tx, written, talk);
  const missing = missingFor(options, tx, session, need.sats);
  return unlessRefused<'later'>(tx, () => {
    if (waiting === undefined) {
      if (missing > 0 && isProgram) return wantTopup(options, tx, session, missing, context) ?? 'later';
      const isBusy = !isProgram && isBusyIn(tx, session.id, sender);
      const start = isBusy ? { waits: 'turn' as const } : missing > 0 ? { waits: 'topup' as const } : { need };
      const requestId = texts.keep(tx, sender, text, now);
      const id = newOrderId(tx, options.rng, requestFace);
      const dialect = isProgram ? ('rpc' as const) : ('words' as const);
      const wish = { id, ...talk, dialect, requestId, replyTo: message.id };
      const refused = engine.open(tx, options.requests, openRequest(wish, start, now), message);
      if (refused !== undefined) return refused;
      if (isBusy || missing === 0) return 'later';
      return wantTopup(options, tx, session, missing, context, id) ?? 'later';
    }
    if (missing > 0) return wantTopup(options, tx, session, missing, context, waiting.id) ?? 'later';
    return 'later';
  });
}

/** What is missing for this request: of its price, and of the least that a session has to have. */
function missingFor({ settings }: AskingOptions, tx: Tx, session: Session, needSats: Sats): number {
  const { freeSats, heldSats } = balanceOf(tx, session.id);
  const minimum = settings.SESSION_MIN_BALANCE_SATS - freeSats - heldSats;
  return Math.max(0, needSats - freeSats, minimum);
}

/** Asks for a top-up: the last deposit, never less than is missing. A program hears -32006 with it. */
export function wantTopup(
  options: AskingOptions,
  tx: Tx,
  session: Session,
  missingSats: number,
  { message }: CommandContext,
  forRequest?: string,
): Refusal | undefined {
  const { settings, engine } = options;
  const bounds = boundsOf(settings);
  if (missingSats > bounds.max)
    return refuse(
      'too_large',
      `That would cost more than a session can hold. Nothing was charged. Please ask for less.`,
    );
  const amountSats = topupFor(session, missingSats, { bounds });
  const command = { type: 'topup', amountSats, ...(forRequest === undefined ? {} : { forRequest }) };
  const refused = engine.deliver(
    tx,
    { kind: 'session', id: session.id },
    { type: 'command', command, replyTo: message.id },
  );
  if (refused === undefined || message.dialect !== 'rpc') return refused;
  const { freeSats } = balanceOf(tx, session.id);
  return refuse(
    'balance_too_low',
    `${freeSats} sats are free in this session, which does not pay this request. ${refused.text}`,
    {
      balance_sats: freeSats,
      invoice: null,
    },
  );
}

export function deliver(
  { engine }: Pick<AskingOptions, 'engine'>,
  tx: Tx,
  id: string,
  command: unknown,
  { message }: CommandContext,
): Refusal | undefined {
  return engine.deliver(tx, { kind: 'session', id }, { type: 'command', command, replyTo: message.id });
}

export function outOfBounds(settings: AskingOptions['settings'], amount: number): Refusal | undefined {
  const { min, max } = boundsOf(settings);
  if (amount >= min && amount <= max) return undefined;
  return refuse('out_of_bounds', `A session takes ${min} to ${max} sats at a time. Nothing was charged.`, { min, max });
}

function tooLong(characters: number, limit: number): Refusal {
  return refuse(
    'too_large',
    `That is ${characters} characters; I take ${limit} at most. Nothing was charged. Please send a shorter text.`,
    { max_chars: limit },
  );
}
