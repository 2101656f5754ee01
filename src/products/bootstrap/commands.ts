import { z } from 'zod';
import { askFor } from '../../customers/index.ts';
import { unlessRefused, type Tx } from '../../db/index.ts';
import {
  findKeyUse,
  keepKeyUse,
  newOrderId,
  rpcMethod,
  wordCommand,
  type CommandContext,
  type Engine,
  type Product,
  type ProductCommands,
  type RpcMethod,
} from '../../engine/index.ts';
import { isRefusal, refuse, type Refusal } from '../../lib/errors.ts';
import { paramsDigest } from '../../messaging/dialects/jsonrpc/index.ts';
import { destinationParam } from '../_shared/destination-param.ts';
import type { Shop } from '../_shared/shop.ts';
import { areNodesOffered } from './config.ts';
import { nodeFace } from './face.ts';
import { openNode } from './machine.ts';
import { nodeMethods } from './node-methods.ts';
import { choices, offerFor, termFor, whyNoRoom, type OfferOptions, type Wish } from './offers.ts';
import { isHalfAnOrder, parseOrder, type TypedOrder } from './order-words.ts';
import { rpcNode } from './rpc.ts';
import { isPrivateKey, looksLikeKey, parseSshPublicKey, sshFingerprint, type KeyProblem } from './ssh-key.ts';
import type { NodeOrder, Offer, TermOffer } from './states.ts';
import { liveNodeOf, loadNode, newestNodeOf, nodeOfPubkey } from './store.ts';
import { describe, time } from './text.ts';

/** Credentials and keys travel in answer to it. */
const NODE_IS_SECRET = 'A node comes with keys and credentials, and messages of kind 4 keep no secret well.';

/** How nodes are ordered, in words and by JSON-RPC; how a node speaks to us. */
export function nodeCommands(shop: Shop, offering: OfferOptions, engine: Engine, product: Product): ProductCommands {
  const { settings, rng, clouds, texts, alert } = shop;

  interface Priced {
    readonly offer: Offer;
    readonly term: TermOffer;
  }

  /** What would be sold, or why not. */
  function priced(tx: Tx, wish: Wish): Priced | Refusal {
    const offer = offerFor(offering, tx, wish);
    if ('not' in offer) return notOffered(offer.not);
    const term = termFor(offering, tx, offer);
    if (term === null) return notOffered('fee');
    const full = whyNoRoom(offering, tx, offer, null);
    return full === null ? { offer, term } : notOffered(full);
  }

  function notOffered(code: string): Refusal {
    const { regions, sizes } = choices(offering);
    if (code === 'none') return refuse('unavailable', 'Nodes of your own are not offered here. Nothing was charged.');
    if (code === 'region') return refuse('invalid_params', `I make nodes in: ${regions.join(', ')}.`, { regions });
    if (code === 'size')
      return refuse('invalid_params', `I make nodes of these sizes: ${sizes.join(', ')}.`, { sizes });
    if (code === 'region_or_size')
      return refuse(
        'unavailable',
        'The cloud has no such server there just now. Nothing was charged. Try another region=… or size=….',
      );
    if (code === 'full' || code === 'droplet_limit')
      return refuse('busy', 'All nodes that I may make are taken. Nothing was charged. Please try again later.');
    return refuse('unavailable', 'I can make no node just now. Nothing was charged. Please try again later.');
  }

  /** Opens an order, or leaves nothing behind. The engine answers when its invoice exists. @returns its id. */
  function sell(
    tx: Tx,
    wish: Wish & { readonly key: string | null },
    { message, now }: CommandContext,
  ): string | Refusal {
    const found = priced(tx, wish);
    if (isRefusal(found)) return found;
    return unlessRefused<string>(tx, () => {
      const id = newOrderId(tx, rng, nodeFace);
      const decision = openNode(
        {
          id,
          owner: message.sender,
          dialect: message.dialect ?? 'words',
          sshPublicKey: wish.key,
          offer: found.offer,
          wanted: found.term,
          expirySeconds: settings.INVOICE_EXPIRY_SECONDS,
          replyTo: message.id,
        },
        now,
      );
      return engine.open(tx, product, decision, message) ?? id;
    });
  }

  const deliver = (tx: Tx, id: string, type: 'cancel' | 'invoice', { message }: CommandContext): Refusal | undefined =>
    engine.deliver(tx, { kind: product.kind, id }, { type: 'command', command: { type }, replyTo: message.id });

  /** One waits for its fee that is not what is asked for now: nobody pays for it by mistake, or gets in with no key of theirs. */
  function another(waiting: NodeOrder, wish: Wish & Pick<TypedOrder, 'key' | 'makeKey'>): Refusal | undefined {
    const { id, offer, sshPublicKey, keyIsMade } = waiting;
    const isOther =
      (wish.region !== null && wish.region !== offer.region) ||
      (wish.size !== null && wish.size !== offer.size) ||
      (wish.key !== null ? wish.key !== sshPublicKey : wish.makeKey && !keyIsMade);
    if (!isOther) return undefined;
    const key = sshPublicKey === null ? 'a key that I make' : `your key ${sshFingerprint(sshPublicKey)}`;
    const text = `${id} waits for its fee, and is another: a server in ${offer.region}, ${offer.size}, with ${key}. invoice ${id} shows its invoice; cancel ${id} drops it, then order again.`;
    return refuse('bad_state', text, { state: waiting.state, reason: 'another one waits for its fee', id });
  }

  /** Asked for in words: first what it costs and for a key, then with one. */
  function order(tx: Tx, typed: TypedOrder, context: CommandContext): Refusal | undefined {
    const { message } = context;
    if (typed.problem !== null) return refuseKey(tx, typed.problem, context);
    const live = liveNodeOf(tx, message.sender);
    if (live?.state === 'awaiting_payment') return another(live, typed) ?? deliver(tx, live.id, 'invoice', context);
    if (live !== undefined)
      return refuse('bad_state', `You have one: ${product.look(tx, live.id)?.statusLine ?? live.id}`, {
        state: live.state,
        reason: 'one is enough',
      });
    if (typed.key !== null || typed.makeKey) {
      const sold = sell(tx, typed, context);
      return isRefusal(sold) ? sold : undefined;
    }
    const found = priced(tx, typed);
    if (isRefusal(found)) return found;
    context.say(tx, offerText(found.offer, found.term, typed));
    return undefined;
  }

  function offerText(offer: Offer, term: TermOffer, wish: Wish): string {
    const { regions, sizes } = choices(offering);
    const others = [
      ...(regions.length > 1 ? [`region=${regions.filter((one) => one !== offer.region).join('|')}`] : []),
      ...(sizes.length > 1 ? [`size=${sizes.filter((one) => one !== offer.size).join('|')}`] : []),
    ];
    const said = [
      wish.region === null ? '' : ` region=${wish.region}`,
      wish.size === null ? '' : ` size=${wish.size}`,
    ].join('');
    return (
      `${offer.isStub ? 'STUB: no server exists. ' : ''}A Bitcoin node of your own: ${describe(offer)}. ${term.feeSats} sats for ${time(term.termSeconds)}. ` +
      `Send: bootstrap${said} and your SSH public key (the line in ~/.ssh/id_ed25519.pub; ssh-keygen -t ed25519 makes one). ` +
      `No key? bootstrap keygen${said}: I make one and send it to you.${others.length === 0 ? '' : ` Also: ${others.join(', ')}.`}`
    );
  }

  function refuseKey(tx: Tx, problem: KeyProblem, { message }: CommandContext): Refusal {
    if (problem === 'private_key' && message.textId !== null) texts.erase(tx, message.textId);
    return refuse('invalid_params', KEY_PROBLEMS[problem], {
      issues: [{ path: ['ssh_public_key'], message: problem }],
    });
  }

  const createParams = z.strictObject({
    ssh_public_key: z.string().max(8192).optional(),
    region: z.string().max(63).optional(),
    size: z.string().max(63).optional(),
    refund_to: z.string().max(2100).optional(),
    key: z.string().min(1).max(64).optional(),
  });
  const id = z.string().max(16);
  const shown = (tx: Tx, orderId: string) => {
    const node = loadNode(tx, orderId);
    return { result: { bootstrap: node === undefined ? null : rpcNode(tx, node) } };
  };
  const noSuch = (orderId: string): Refusal => refuse('not_found', `There is no ${orderId} of yours.`);
  const owns = (tx: Tx, orderId: string, { message }: CommandContext): boolean =>
    loadNode(tx, orderId)?.owner === message.sender;

  const create = rpcMethod({
    method: 'bootstrap.create',
    nip17Only: NODE_IS_SECRET,
    params: createParams.optional(),
    changes: true,
    needsPrice: true,
    run: (tx, given, context) => {
      const params = given ?? {};
      const { message, now } = context;
      const refundTo = destinationParam('refund_to', params.refund_to, settings.TIMMY_ALLOW_PRIVATE_NETWORK);
      if (isRefusal(refundTo)) return refundTo;
      const parsed = params.ssh_public_key === undefined ? { key: null } : parseSshPublicKey(params.ssh_public_key);
      if ('problem' in parsed) return refuseKey(tx, parsed.problem, context);
      const use =
        params.key === undefined
          ? null
          : { owner: message.sender, method: 'bootstrap.create', key: params.key, paramsHash: paramsDigest(params) };
      const known = use === null ? null : findKeyUse(tx, use, now);
      if (known?.use === 'other_params')
        return refuse('invalid_params', 'This key was used with other params within 24 hours.', {
          issues: [{ path: ['key'], message: 'used with other params' }],
        });
      if (known?.use === 'same' && loadNode(tx, known.orderId) !== undefined) return shown(tx, known.orderId);
      const live = liveNodeOf(tx, message.sender);
      const wish = { region: params.region ?? null, size: params.size ?? null, key: parsed.key };
      if (live?.state === 'awaiting_payment')
        return another(live, { ...wish, makeKey: false }) ?? deliver(tx, live.id, 'invoice', context) ?? 'later';
      if (live !== undefined)
        return refuse('bad_state', `${live.id} is yours already: one is enough.`, {
          state: live.state,
          reason: 'one is enough',
          id: live.id,
        });
      const sold = sell(tx, wish, context);
      if (isRefusal(sold)) return sold;
      if (use !== null) keepKeyUse(tx, { ...use, orderId: sold }, now);
      if (refundTo !== null) askFor(tx, message.sender, refundTo);
      return 'later';
    },
  });
  const get = rpcMethod({
    method: 'bootstrap.get',
    params: z.strictObject({ id: id.optional() }).optional(),
    changes: false,
    run: (tx, params, context) => {
      const wanted = params?.id ?? newestNodeOf(tx, context.message.sender)?.id;
      if (wanted === undefined) return refuse('not_found', 'No node of yours is known. bootstrap.create orders one.');
      return owns(tx, wanted, context) ? shown(tx, wanted) : noSuch(wanted);
    },
  });
  const onOrder = (type: 'cancel' | 'invoice'): RpcMethod =>
    rpcMethod({
      method: `bootstrap.${type}`,
      params: z.strictObject({ id }),
      changes: true,
      needsPrice: true,
      run: (tx, params, context) =>
        owns(tx, params.id, context) ? (deliver(tx, params.id, type, context) ?? 'later') : noSuch(params.id),
    });

  const isOffered = areNodesOffered(settings);
  return {
    words: [
      wordCommand({
        word: 'bootstrap',
        usage: 'bootstrap [ssh public key] [region=… size=…]',
        nip17Only: NODE_IS_SECRET,
        needsPrice: true,
        parse: parseOrder,
        isMeant: isHalfAnOrder,
        run: order,
      }),
    ],
    methods: [create, get, onOrder('invoice'), onOrder('cancel'), ...nodeMethods({ engine, product, clouds, alert })],
    help: isOffered ? ['bootstrap: a Bitcoin and Lightning node of your own'] : [],
    prices: { bootstrap_fee_sats: settings.BOOTSTRAP_FEE_SATS },
    limits: { bootstrap_regions: choices(offering).regions, bootstrap_sizes: choices(offering).sizes },
    speaks: (reader, npub) => (nodeOfPubkey(reader, npub) === undefined ? undefined : 'node'),
    freeText: {
      // A key on its own answers the question for one; a private one is burnt, whoever sends it and why.
      isMine: (_reader, text) => looksLikeKey(text) || isPrivateKey(text),
      take: (tx, text, context) => {
        const typed = parseOrder(text);
        return typed === null ? refuseKey(tx, 'not_a_key', context) : order(tx, typed, context);
      },
    },
  };
}

const KEY_PROBLEMS: Readonly<Record<KeyProblem, string>> = {
  not_a_key:
    'That is no SSH public key. Send the whole line of ~/.ssh/id_ed25519.pub: "ssh-ed25519 AAAA…". Nothing was charged.',
  private_key:
    'That is a PRIVATE key. I did not keep it, but it has been sent, so it is burnt: make a new pair with ssh-keygen -t ed25519, and send the line of its .pub file. Nothing was charged.',
  several_lines: 'That is more than one line. Send one SSH public key, as one line. Nothing was charged.',
  too_long: 'That is too long for an SSH public key. Send the line of ~/.ssh/id_ed25519.pub. Nothing was charged.',
  hardware_key:
    'The cloud takes no keys of security tokens (sk-…). ssh-keygen -t ed25519 makes one that works. Nothing was charged.',
  dss: 'DSS keys are broken and taken nowhere any more. ssh-keygen -t ed25519 makes a good one. Nothing was charged.',
  type: 'I do not know this kind of key. ssh-keygen -t ed25519 makes one that works. Nothing was charged.',
  damaged:
    'This key is damaged: a part of its line is missing or was changed. Send the whole line again. Nothing was charged.',
  too_weak: 'An RSA key needs at least 3072 bits. ssh-keygen -t ed25519 makes a better one. Nothing was charged.',
};
