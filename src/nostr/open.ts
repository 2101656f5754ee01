import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { looksLikeNip44 } from './nip44.ts';
import {
  ageOf,
  decrypted,
  isAddressedTo,
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
  if (sealJson === null) return drop('undecryptable');
  const sealed = parseJson(sealJson);
  // ContextVM puts a signed kind 25910 in here and others may follow: not for us, and no error of anybody's.
  if (kindOf(sealed) !== SEAL) return drop('not_a_seal');
  const seal = readEvent(sealed);
  if (seal === null || seal.tags.some((tag) => tag[0] !== 'expiration')) return drop('bad_seal');
  if (seal.pubkey === signer.publicKey) return drop('own_message');
  if (!hasValidSignature(seal)) return drop('bad_seal');

  const rumorJson = await decrypted(signer.nip44Decrypt(seal.pubkey, seal.content));
  if (rumorJson === null) return drop('undecryptable');
  const claimed = parseJson(rumorJson);
  const rumor = readUnsigned(claimed);
  if (rumor === null || isSigned(claimed)) return drop('bad_rumor');
  if (rumor.pubkey !== seal.pubkey) return drop('spoofed_sender');
  const rumorId = eventId(rumor);
  if (has(claimed, 'id') && claimed.id !== rumorId) return drop('false_id');
  if (!RUMOR_KINDS.has(rumor.kind)) return drop('unknown_rumor_kind');
  if (isExpired(rumor.tags, now)) return drop('expired');
  const hasReceivers = rumor.tags.some((tag) => tag[0] === 'p');
  // nak's kind-1 rumors name nobody; one that names others only was meant for somebody else.
  if (hasReceivers && !isAddressedTo(rumor, signer.publicKey)) return drop('not_for_us');

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

/** A signature would make the message a public proof (NIP-59). Some libraries leave the member there, empty. */
function isSigned(claimed: unknown): boolean {
  return has(claimed, 'sig') && claimed.sig !== '' && claimed.sig !== null;
}

/** NIP-40, of the message itself: its sender does not want it carried out any more. A wrap's own date binds relays only. */
function isExpired(tags: readonly (readonly string[])[], now: UnixSeconds): boolean {
  const at = tags.find((tag) => tag[0] === 'expiration')?.[1];
  return at !== undefined && /^\d{1,15}$/.test(at) && Number(at) <= now;
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

function kindOf(value: unknown): unknown {
  return has(value, 'kind') ? value.kind : undefined;
}
