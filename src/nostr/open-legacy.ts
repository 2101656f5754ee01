import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { looksLikeNip04 } from './nip04.ts';
import { looksLikeNip44 } from './nip44.ts';
import { ageOf, decrypted, isAddressedTo, isExpired, repliesTo, type Dropped, type OpenedDm } from './opened-dm.ts';
import type { Signer } from './signer.ts';
import { hasValidSignature, readEvent } from './verify.ts';

export const LEGACY_DM = 4;

/**
 * Opens a kind-4 DM, whose content may be NIP-04 or, of some clients, NIP-44. Sender, time and id are public and
 * signed; the text is not authenticated beyond that signature. Other ciphers (Keychat puts Signal there) are
 * dropped. Never throws for what a stranger sent; throws `OutsideError` when a remote signer fails.
 */
export async function openLegacyDm(event: unknown, signer: Signer, now: UnixSeconds): Promise<OpenedDm | Dropped> {
  const dm = readEvent(event);
  if (dm === null) return { dropped: 'malformed' };
  if (dm.kind !== LEGACY_DM) return { dropped: 'wrong_kind' };
  if (dm.pubkey === signer.publicKey) return { dropped: 'own_message' };
  if (!isAddressedTo(dm, signer.publicKey)) return { dropped: 'not_for_us' };
  if (!hasValidSignature(dm)) return { dropped: 'bad_signature' };
  if (isExpired(dm.tags, now)) return { dropped: 'expired', verifiedId: dm.id };
  const text = await decryptEither(dm.content, dm.pubkey, signer);
  if (text === null) return { dropped: 'undecryptable', verifiedId: dm.id };
  return {
    sender: dm.pubkey,
    rumorId: dm.id,
    kind: dm.kind,
    createdAt: unixSeconds(dm.created_at),
    // Older Amethysts put a comment line before the text.
    content: text.replace(/^\[\/\/\]: # \(nip18\)\r?\n/, ''),
    tags: dm.tags,
    replyTo: repliesTo(dm.tags),
    age: ageOf(dm.created_at, now),
    group: false,
    wrapId: dm.id,
    protocol: 'nip04',
  };
}

async function decryptEither(content: string, sender: string, signer: Signer): Promise<string | null> {
  // A stray "-null" after the iv exists in the wild.
  const payload = content.replace(/-null$/, '');
  if (looksLikeNip04(payload)) return decrypted(signer.nip04Decrypt(sender, payload));
  if (looksLikeNip44(payload)) return decrypted(signer.nip44Decrypt(sender, payload));
  return null;
}
