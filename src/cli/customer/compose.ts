import type { Rng } from '../../lib/rng.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { LEGACY_DM } from '../../nostr/open-legacy.ts';
import { createRumor, sealDm, sealLegacyDm } from '../../nostr/seal.ts';
import type { Signer } from '../../nostr/signer.ts';

/** `nip17` gift wrap; `nip04` kind 4; `nip44` kind 4 whose content is NIP-44, as a few clients send it. */
export type DmProtocol = 'nip17' | 'nip44' | 'nip04';

export const DM_PROTOCOLS: readonly DmProtocol[] = ['nip17', 'nip44', 'nip04'];

export interface DmWish {
  /** Hex. */
  readonly recipient: string;
  readonly text: string;
  readonly protocol: DmProtocol;
  readonly createdAt: UnixSeconds;
}

/** The signed event to publish, and the id that answers to it will name. @throws RangeError when the text is too large. */
export async function composeDm(
  wish: DmWish,
  signer: Signer,
  rng: Rng,
  now: UnixSeconds,
): Promise<{ id: string; event: NostrEvent }> {
  const { recipient, text: content, createdAt } = wish;
  if (wish.protocol === 'nip17') {
    const rumor = createRumor({ pubkey: signer.publicKey, kind: 14, content, createdAt, recipients: [recipient] });
    return { id: rumor.id, event: await sealDm(rumor, recipient, signer, rng, now) };
  }
  if (wish.protocol === 'nip04') {
    const event = await sealLegacyDm({ recipient, content }, signer, createdAt);
    return { id: event.id, event };
  }
  const encrypted = await signer.nip44Encrypt(recipient, content);
  const event = await signer.sign({
    kind: LEGACY_DM,
    created_at: createdAt,
    tags: [['p', recipient]],
    content: encrypted,
  });
  return { id: event.id, event };
}
