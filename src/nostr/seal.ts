import { randomInt, type Rng } from '../lib/rng.ts';
import { plusSeconds, type UnixSeconds } from '../lib/units.ts';
import { loadKeyPair } from './curve.ts';
import type { NostrEvent, Rumor } from './event.ts';
import { generateSecretKey } from './keys.ts';
import { signWith } from './local-signer.ts';
import { conversationKey, nip44Encrypt } from './nip44.ts';
import { EPHEMERAL_GIFT_WRAP, GIFT_WRAP, SEAL } from './open.ts';
import { LEGACY_DM } from './open-legacy.ts';
import type { Signer } from './signer.ts';
import { eventId } from './verify.ts';

/** NIP-59: dates of seals and wraps are random within the last two days. */
export const MAX_BACKDATE_SECONDS = 172_800;

/** JSON bytes of the largest rumor that still fits into a seal within a wrap, each of at most 65,535 bytes. */
export const MAX_RUMOR_BYTES = 40_960;

export interface RumorWish {
  /** Our own key: the sender. */
  readonly pubkey: string;
  readonly kind: number;
  readonly content: string;
  readonly createdAt: UnixSeconds;
  /** Everybody in the room but the sender. */
  readonly recipients: readonly string[];
  /** Rumor id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  readonly subject?: string | undefined;
  /** A relay where we read, for the tags of the others. */
  readonly relayHint?: string | undefined;
}

/** The unsigned message (NIP-17). Make it once: each recipient and each retry wraps this same one. */
export function createRumor(wish: RumorWish): Rumor {
  const hint = wish.relayHint === undefined ? [] : [wish.relayHint];
  const tags: string[][] = wish.recipients.map((recipient) => ['p', recipient, ...hint]);
  if (wish.replyTo !== undefined) tags.push(['e', wish.replyTo, wish.relayHint ?? '']);
  if (wish.subject !== undefined) tags.push(['subject', wish.subject]);
  const { pubkey, kind, content } = wish;
  const unsigned = { pubkey, created_at: wish.createdAt, kind, tags, content };
  return { id: eventId(unsigned), ...unsigned };
}

export interface SealOptions {
  /** How far back seal and wrap may be dated. Readers that reconnect with `since = now` never see old dates. */
  readonly maxBackdateSeconds?: number;
  /** True: kind 21059, which relays pass on and do not keep. */
  readonly ephemeral?: boolean;
  /** NIP-40: relays may forget the wrap from then on. */
  readonly expiresAt?: UnixSeconds;
  /** NIP-13: finds the `nonce` tag with which the wrap shows the work that a relay asks for. */
  readonly work?: (wrap: Omit<Rumor, 'id'>) => Promise<readonly string[]>;
}

/**
 * `rumor` sealed with our key and wrapped for `recipient` with a throwaway one (NIP-59). Each call makes another
 * wrap: keep the bytes and send the same ones again. Dates never lie ahead of `now`; the one tag that others can
 * read is `p` (and `expiration`). @throws RangeError when the rumor is too large, Error for a bad recipient.
 */
export async function sealDm(
  rumor: Rumor,
  recipient: string,
  signer: Signer,
  rng: Rng,
  now: UnixSeconds,
  options: SealOptions = {},
): Promise<NostrEvent> {
  const backdate = options.maxBackdateSeconds ?? MAX_BACKDATE_SECONDS;
  const someTimeAgo = (): UnixSeconds => plusSeconds(now, -randomInt(rng, backdate + 1));
  const rumorJson = JSON.stringify(rumor);
  if (Buffer.byteLength(rumorJson) > MAX_RUMOR_BYTES) throw new RangeError('the message is too large for one wrap');

  const sealed = await signer.nip44Encrypt(recipient, rumorJson);
  const seal = await signer.sign({ created_at: someTimeAgo(), kind: SEAL, tags: [], content: sealed });

  const throwaway = generateSecretKey(rng).expose();
  const keyPair = loadKeyPair(throwaway);
  const key = conversationKey(keyPair.sharedX(recipient));
  const tags = [['p', recipient]];
  if (options.expiresAt !== undefined) tags.push(['expiration', String(options.expiresAt)]);
  const wrap = {
    created_at: someTimeAgo(),
    kind: options.ephemeral === true ? EPHEMERAL_GIFT_WRAP : GIFT_WRAP,
    tags,
    content: nip44Encrypt(JSON.stringify(seal), key, rng.bytes(32)),
  };
  if (options.work !== undefined) tags.push([...(await options.work({ pubkey: keyPair.publicKey, ...wrap }))]);
  const signed = signWith(throwaway, keyPair.publicKey, wrap, rng);
  throwaway.fill(0);
  return signed;
}

/** A kind-4 DM in NIP-04, dated now: what Damus and Primal read. Never for secrets. */
export async function sealLegacyDm(
  message: { readonly recipient: string; readonly content: string; readonly replyTo?: string | undefined },
  signer: Signer,
  now: UnixSeconds,
): Promise<NostrEvent> {
  const tags = [['p', message.recipient]];
  if (message.replyTo !== undefined) tags.push(['e', message.replyTo]);
  const content = await signer.nip04Encrypt(message.recipient, message.content);
  return signer.sign({ created_at: now, kind: LEGACY_DM, tags, content });
}
