import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import type { NostrEvent } from './event.ts';
import { looksLikeNip44 } from './nip44.ts';
import {
  ageOf,
  decrypted,
  isAddressedTo,
  isExpired,
  repliesTo,
  type Dropped,
  type DropReason,
  type OpenedDm,
} from './opened-dm.ts';
import type { Signer } from './signer.ts';
import { eventId, hasValidSignature, readEvent, readUnsigned } from './verify.ts';

export const GIFT_WRAP = 1059;
/** As 1059, but not stored by relays. */
export const EPHEMERAL_GIFT_WRAP = 21059;
export const SEAL = 13;
const RUMOR_KINDS: ReadonlySet<number> = new Set([14, 15, 7, 5, 1]);

/**
 * Opens a gift wrap (NIP-59, NIP-17) and proves its sender. The order of the checks is cheapest first, and each
 * is somebody's attack (an impersonation, or a shape meant to confuse); nothing is believed that was not recomputed or verified here.
 * Never throws for what a stranger sent; throws `OutsideError` when a remote signer fails.
 */
export async function openDm(event: unknown, signer: Signer, now: UnixSeconds): Promise<OpenedDm | Dropped> {
  const wrap = readEvent(event);
  if (wrap === null) return drop('malformed');
  if (wrap.kind !== GIFT_WRAP && wrap.kind !== EPHEMERAL_GIFT_WRAP) return drop('wrong_kind');
  if (!isAddressedTo(wrap, signer.publicKey)) return drop('not_for_us');
  if (!hasValidSignature(wrap)) return drop('bad_signature');

  const sealJson = await decrypted(signer.nip44Decrypt(wrap.pubkey, wrap.content));
  if (sealJson === null) return dropFor(wrap, 'undecryptable');
  const sealed = parseJson(sealJson);
  // ContextVM puts a signed kind 25910 in here and others may follow: not for us, and no error of anybody's.
  if (kindOf(sealed) !== SEAL) return dropFor(wrap, 'not_a_seal');
  const seal = readEvent(sealed);
  if (seal === null || seal.tags.some((tag) => tag[0] !== 'expiration')) return dropFor(wrap, 'bad_seal');
  if (seal.pubkey === signer.publicKey) return dropFor(wrap, 'own_message');
  if (!hasValidSignature(seal)) return dropFor(wrap, 'bad_seal');

  const rumorJson = await decrypted(signer.nip44Decrypt(seal.pubkey, seal.content));
  if (rumorJson === null) return dropFor(wrap, 'undecryptable');
  const claimed = parseJson(rumorJson);
  const rumor = readUnsigned(claimed);
  if (rumor === null || isSigned(claimed)) return dropFor(wrap, 'bad_rumor');
  if (rumor.pubkey !== seal.pubkey) return dropFor(wrap, 'spoofed_sender');
  if (isExpired(seal.tags, now) || isExpired(rumor.tags, now)) return dropFor(wrap, 'expired');
  const rumorId = eventId(rumor);
  if (has(claimed, 'id') && claimed.id !== rumorId) return dropFor(wrap, 'false_id');
  if (!RUMOR_KINDS.has(rumor.kind)) return dropFor(wrap, 'unknown_rumor_kind');
  const hasReceivers = rumor.tags.some((tag) => tag[0] === 'p');
  // nak's kind-1 rumors name nobody; one that names others only was meant for somebody else.
  if (hasReceivers && !isAddressedTo(rumor, signer.publicKey)) return dropFor(wrap, 'not_for_us');

  return {
    sender: seal.pubkey,
    rumorId,
    kind: rumor.kind,
    createdAt: unixSeconds(rumor.created_at),
    content: await unwrapTwiceEncrypted(rumor.content, seal.pubkey, signer),
    tags: rumor.tags,
    replyTo: repliesTo(rumor.tags),
    age: ageOf(rumor.created_at, now),
    group: rumor.tags.some((tag) => tag[0] === 'p' && tag[1] !== signer.publicKey && tag[1] !== seal.pubkey),
    wrapId: wrap.id,
    protocol: 'nip17',
  };
}

/** One client encrypts the text once more inside the rumor. Tried once; what is no such thing stays as it is. */
async function unwrapTwiceEncrypted(content: string, sender: string, signer: Signer): Promise<string> {
  if (!looksLikeNip44(content)) return content;
  return (await decrypted(signer.nip44Decrypt(sender, content))) ?? content;
}

/** The wrap's signature was true: it will never be worth more than now. */
function dropFor(wrap: NostrEvent, dropped: DropReason): Dropped {
  return { dropped, verifiedId: wrap.id };
}

function drop(dropped: DropReason): Dropped {
  return { dropped };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function has<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** Some clients leave the member in and empty. A signed message is none of NIP-17's: who signs cannot deny. */
function isSigned(claimed: unknown): boolean {
  return has(claimed, 'sig') && claimed.sig !== '' && claimed.sig !== null;
}

function kindOf(value: unknown): unknown {
  return has(value, 'kind') ? value.kind : undefined;
}
