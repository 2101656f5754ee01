import { mayTell } from '../customers/index.ts';
import type { Database, Tx } from '../db/index.ts';
import {
  protocolRefusal,
  type CommandContext,
  type RpcMethod,
  type Speaker,
  type WordCommand,
} from '../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../lib/errors.ts';
import {
  enqueue,
  findReplay,
  isOwnWords,
  isSaidAgain,
  judgeAnswer,
  type Shed,
  loadInbound,
  noteDialect,
  type InboundMessage,
} from '../messaging/index.ts';
import { answerRpc } from '../messaging/rpc-answers.ts';
import {
  failure,
  failureOf,
  invalidParams,
  isReplayable,
  parseEnvelope,
  replayKey,
  RPC_ERROR,
  success,
  type RpcRequest,
} from '../messaging/dialects/jsonrpc/index.ts';
import { understandText, type Understood } from '../messaging/dialects/text/index.ts';
import { owedInAll, type PriceBook } from '../payments/index.ts';
import type { Product } from '../engine/product.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { Commit, TaskKind } from '../tasks/index.ts';
import { openOrders, statusText } from './orders.ts';
import { shortHelp } from './help.ts';
import type { Refunds } from './refund.ts';
import type { CommandOptions, Registry } from './registry.ts';
import { answerIsGone } from './replayed.ts';
import { knownTo, type WhoSpeaks } from './speakers.ts';

export interface HandleOptions extends CommandOptions {
  readonly database: Database;
  readonly prices: PriceBook;
  readonly products: readonly Product[];
  readonly registry: Registry;
  readonly refunds: Refunds;
  readonly whoSpeaks: WhoSpeaks;
  readonly rpcBytes: number;
  readonly messageChars: number;
  /** `LIMIT_UNPAID_ANSWERS_PER_MINUTE`. */
  readonly unpaidPerMinute: number;
}

const HOUR = 3600;
/** Rumor kinds that carry words: a chat message, and the note that nak wraps. */
const TEXT_KINDS = [14, 1, 4];
const FILE_KIND = 15;

type Reading =
  | {
      readonly dialect: 'words';
      readonly speaker: Speaker;
      readonly understood: Understood<WordCommand>;
      readonly command: WordCommand | null;
    }
  | {
      readonly dialect: 'rpc';
      readonly speaker: Speaker;
      readonly request: RpcRequest;
      readonly method: RpcMethod | undefined;
    }
  | { readonly dialect: 'broken_rpc'; readonly answer: string }
  | { readonly dialect: 'repeated' }
  | { readonly dialect: 'ignored' };

/**
 * One message becomes one command. The price is refreshed first where it will be needed; everything else is decided
 * and committed in one transaction with the end of the task.
 *
 * Messages of one sender are taken one at a time, as they came; one that has to be tried again lets the next ones pass.
 *
 * Killed midway: nothing happened; the message is read again.
 */
export function handleTask(options: HandleOptions): TaskKind<{ inboxId: number }> {
  const { database, texts, prices } = options;
  return {
    kind: 'dm.handle',
    pool: 'intake',
    leaseSeconds: 30,
    maxAttempts: 5,
    run: async (task, signal): Promise<Commit> => {
      const message = loadInbound(database.read, task.payload.inboxId);
      const text = texts.read(database.read, message.textId);
      if (text === null) return () => {};
      const reading = read(options, message, text);
      if (needsPrice(reading)) await prices.refresh(signal);
      return (tx) => handle(options, tx, message, reading);
    },
    parked: (tx, task) => {
      const message = loadInbound(tx, task.payload.inboxId);
      options.alert(tx, `A message could not be handled and was set aside (task ${task.id}).`);
      const written = parseEnvelope(texts.read(tx, message.textId) ?? '', options.rpcBytes);
      const text =
        written.type === 'request'
          ? failure(
              written.id,
              RPC_ERROR.internal,
              'Something broke on our side. Nothing was charged; a person looks at it.',
            )
          : 'I stumbled over your message and could not handle it. Nothing was charged; a person looks at it. Please try other words.';
      enqueue(tx, texts, { to: message.sender, text, answering: message }, options.clock.now());
    },
  };

  function needsPrice(reading: Reading): boolean {
    if (reading.dialect === 'rpc') return reading.method?.needsPrice === true;
    if (reading.dialect !== 'words') return false;
    const { understood, command } = reading;
    if (command !== null) return command.needsPrice === true;
    return understood.type === 'request' || understood.type === 'about' || understood.type === 'smallTalk';
  }
}

function read(options: HandleOptions, message: InboundMessage, text: string): Reading {
  if (!TEXT_KINDS.includes(message.kind)) return { dialect: 'ignored' };
  const { registry, products, database, rpcBytes } = options;
  const speaker = options.whoSpeaks(database.read, message.sender);
  const envelope = parseEnvelope(text, rpcBytes);
  switch (envelope.type) {
    case 'request':
      return {
        dialect: 'rpc',
        speaker,
        request: envelope,
        method: knownTo(registry.methods, speaker).find((method) => method.method === envelope.method),
      };
    case 'failure':
      return { dialect: 'broken_rpc', answer: failure(envelope.id, envelope.code, envelope.message, envelope.data) };
    case 'ignored':
      return { dialect: 'ignored' };
    case 'notRpc': {
      // A machine of ours says what it has to say by JSON-RPC: nothing it writes is bought.
      if (speaker === 'node') return { dialect: 'ignored' };
      const { texts, clock } = options;
      if (isOwnWords(database.read, texts, message.sender, text)) return { dialect: 'ignored' };
      const { sender } = message;
      const hasOpenThings =
        openOrders(database.read, products, sender).length > 0 || owedInAll(database.read, sender) > 0n;
      const words = knownTo(registry.words, speaker);
      const understood = understandText(text, { words, hasOpenThings });
      // Who holds a token spends what somebody paid: they may say a thing as often as they like.
      const isBought = understood.type !== 'request' || speaker === 'holder';
      if (!isBought && isSaidAgain(database.read, texts, message, text, clock.now())) return { dialect: 'repeated' };
      const command =
        understood.type === 'command' ? (words.find((word) => word.word === understood.word) ?? null) : null;
      return { dialect: 'words', speaker, understood, command };
    }
  }
}

function handle(options: HandleOptions, tx: Tx, message: InboundMessage, reading: Reading): void {
  const { clock, texts } = options;
  const now = clock.now();
  const tell = (what: string, seconds: number, text: string): void => {
    if (!mayTell(tx, message.sender, what, seconds, now)) return;
    const asked = reading.dialect === 'rpc' ? reading.request.id : undefined;
    const answer =
      asked === undefined ? text : failureOf(asked, refuse('bad_state', text, { state: what, reason: text }));
    enqueue(tx, texts, { to: message.sender, text: answer, answering: message }, now);
  };
  if (message.isGroup) {
    return tell('group', 30 * 24 * HOUR, 'I answer in private only: please write to me alone. Nothing was charged.');
  }
  if (message.kind === FILE_KIND) return tell('file', HOUR, READ_TEXT_ONLY);
  if (reading.dialect === 'ignored') return;
  if (message.age === 'future') {
    return tell(
      'clock',
      30 * 24 * HOUR,
      'Your clock is more than 15 minutes ahead, so I did not run your message. Please set it right and send it again. Nothing was charged.',
    );
  }
  if (message.age === 'stale') {
    return tell(
      'stale',
      HOUR,
      'Your message is more than three days old, so I did not run it. Please send it again if you still want it. Nothing was charged.',
    );
  }
  const isProgram = reading.dialect === 'rpc';
  if (message.shed !== null) {
    const refusal = shedRefusal(message.shed, message.retryAfter ?? 1, options);
    if (message.shed !== 'too_fast' && !isProgram) return tell(message.shed, 60, refusal.text);
    const text = reading.dialect === 'rpc' ? failureOf(reading.request.id, refusal) : refusal.text;
    enqueue(tx, texts, { to: message.sender, text, answering: message }, now);
    return;
  }

  const gate = judgeAnswer(tx, message, { perMinute: options.unpaidPerMinute, isProgram }, now);
  if (gate.held) {
    if (!gate.tell) return;
    const refusal = slowDown(gate.until, now);
    const text = reading.dialect === 'rpc' ? failureOf(reading.request.id, refusal) : refusal.text;
    // Without a reference it is no answer, and takes none away.
    enqueue(tx, texts, { to: message.sender, text, answering: message, reference: false }, now);
    return;
  }
  if (reading.dialect === 'repeated') return tell('repeated', HOUR, ANSWERED_BEFORE);
  if (reading.dialect === 'broken_rpc') {
    enqueue(tx, texts, { to: message.sender, text: reading.answer, answering: message }, now);
    return;
  }
  if (reading.dialect === 'rpc') return handleRpc(options, tx, message, reading);
  noteDialect(tx, message.id, 'words');
  handleWords(options, tx, { ...message, dialect: 'words' }, reading, tell);
}

/** Begins as `OWN_KIND` in messaging/echoes.ts knows it: another Timmy does not answer it. */
const ANSWERED_BEFORE =
  'You asked that three times within the hour, and my answer stands. Nothing was charged. status shows how things stand; in other words it is a new request.';
const READ_TEXT_ONLY = 'I read text only, nothing was charged. Write it in words.';

function slowDown(until: UnixSeconds, now: UnixSeconds): Refusal {
  const seconds = Math.max(1, until - now);
  const when =
    seconds < 90
      ? `in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
      : `from ${new Date(until * 1000).toISOString().slice(11, 16)} UTC`;
  return refuse(
    'rate_limited',
    `Slow down, please: I answer you again ${when}. What you sent now I did not run. Nothing was charged, and nothing that is paid for is lost.`,
    { retry_after: seconds },
  );
}

/** Why a message was not taken in, and what to do: nothing of it was kept. */
function shedRefusal(why: Shed, retryAfter: number, { messageChars, rpcBytes }: HandleOptions): Refusal {
  switch (why) {
    case 'too_fast':
      return refuse(
        'rate_limited',
        `That is too fast for me. Nothing was charged. Please wait ${retryAfter} seconds and send it again.`,
        { retry_after: retryAfter },
      );
    case 'too_large':
      return refuse(
        'too_large',
        `That is too long for me: I take ${messageChars} characters at most. Nothing was charged. Please send a shorter text.`,
        { max_bytes: rpcBytes },
      );
    case 'no_room':
      return refuse(
        'busy',
        'So much is written to me just now that I could not keep your message. Nothing was charged. Please send it again in an hour.',
      );
  }
}

function handleWords(
  options: HandleOptions,
  tx: Tx,
  message: InboundMessage,
  { speaker, understood, command }: Extract<Reading, { dialect: 'words' }>,
  tell: (what: string, seconds: number, text: string) => void,
): void {
  const { registry, products, info } = options;
  const context = contextOf(options, message, speaker);
  const outcome = (): Refusal | undefined => {
    switch (understood.type) {
      case 'command':
        return command === null
          ? undefined
          : (protocolRefusal(command, message) ?? command.run(tx, understood.args, context));
      case 'usage':
        context.say(
          tx,
          `That is written: ${understood.usage}${understood.text === undefined ? '' : `. To have your words answered, send: job ${understood.text}`}`,
        );
        return undefined;
      case 'request':
        return registry.request(tx, understood.text, context);
      case 'smallTalk':
        // Nothing is answered to a mere emoji or thanks: two polite machines would never stop.
        if (understood.kind === 'greeting' || understood.kind === 'test' || understood.kind === 'nudge')
          tell('help', 600, shortHelp(info, tx));
        return undefined;
      case 'about':
        context.say(tx, shortHelp(info, tx));
        return undefined;
      case 'statusAsk': {
        const order = understood.id === null ? undefined : options.engine.owned(tx, understood.id, message.sender);
        const line = order?.product.look(tx, order.order.id)?.statusLine;
        const open = openOrders(tx, products, message.sender);
        context.say(tx, line ?? statusText(tx, products, message.sender), { paid: open.some((one) => one.isPaid) });
        return undefined;
      }
      case 'paidAsk':
        return registry.words.find((word) => word.word === 'paid')?.run(tx, { id: null, preimage: null }, context);
      case 'destination':
        return options.refunds.pay(tx, understood.destination, context);
      case 'mediaOnly':
        tell('file', HOUR, READ_TEXT_ONLY);
        return undefined;
      case 'secretKey':
        context.say(
          tx,
          'You sent me a secret key. I did not keep it, but it is no longer secret: make a new key. Nothing was charged.',
        );
        if (message.textId !== null) options.texts.erase(tx, message.textId);
        return undefined;
    }
  };
  const refused = outcome();
  if (refused !== undefined) context.say(tx, refused.text);
}

function handleRpc(
  options: HandleOptions,
  tx: Tx,
  message: InboundMessage,
  { speaker, request, method }: Extract<Reading, { dialect: 'rpc' }>,
): void {
  const { texts, clock } = options;
  const now = clock.now();
  const key = replayKey(message.sender, request);
  const rpc = { id: request.id, method: request.method, key: method?.changes === true ? key : null };
  const asked: InboundMessage = { ...message, dialect: 'rpc', rpcId: rpc.id, rpcMethod: rpc.method, rpcKey: rpc.key };
  if (asked.rpcKey !== null) {
    const replay = findReplay(tx, key, message.id, now);
    if (replay.state === 'answered') {
      const text = texts.read(tx, replay.textId) ?? failureOf(request.id, answerIsGone(replay));
      enqueue(tx, texts, { to: message.sender, text, answering: message }, now);
      return;
    }
    // Its first answer is on the way and serves both.
    if (replay.state === 'under_way') return;
  }
  noteDialect(tx, message.id, 'rpc', rpc);
  const fail = (refusal: Refusal): void => {
    answerRpc(tx, texts, asked, failureOf(request.id, refusal), { replayable: isReplayable(refusal.refusal) }, now);
  };
  if (method === undefined) {
    answerRpc(
      tx,
      texts,
      asked,
      failure(
        request.id,
        RPC_ERROR.methodNotFound,
        `There is no method ${request.method.slice(0, 64)}. info lists them.`,
      ),
      { replayable: false },
      now,
    );
    return;
  }
  const params = method.params.safeParse(request.params);
  if (!params.success) {
    answerRpc(tx, texts, asked, invalidParams(request.id, params.error), { replayable: true }, now);
    return;
  }
  const outcome = protocolRefusal(method, message) ?? method.run(tx, params.data, contextOf(options, asked, speaker));
  if (outcome === 'later') return;
  if (isRefusal(outcome)) return fail(outcome);
  answerRpc(tx, texts, asked, success(request.id, outcome.result), { replayable: true }, now);
  outcome.after?.();
}

function contextOf(options: HandleOptions, message: InboundMessage, speaker: Speaker): CommandContext {
  const { clock, texts } = options;
  const now = clock.now();
  return {
    message,
    speaker,
    now,
    payOrder: (tx, orderId, destination) => options.refunds.payOrder(tx, orderId, destination, message),
    say: (tx, text, how = {}) => {
      enqueue(tx, texts, { to: message.sender, text, answering: message, reference: how.reference ?? true }, now);
    },
  };
}
