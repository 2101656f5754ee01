import { parseLightningAddress } from '../lib/lightning-address.ts';
import type { UnixSeconds } from '../lib/units.ts';
import type { EventTemplate, NostrEvent } from './event.ts';
import { PROFILE } from './relay-list.ts';

export interface Profile {
  readonly name: string;
  readonly about: string;
  readonly picture?: string | undefined;
  readonly nip05?: string | undefined;
  readonly lud16?: string | undefined;
}

/** Kind 0 with `bot: true` (NIP-24), so that clients can say what they talk to. */
export function profileEvent(profile: Profile, now: UnixSeconds): EventTemplate {
  const content = JSON.stringify({ ...profile, display_name: profile.name, bot: true });
  return { kind: PROFILE, created_at: now, tags: [], content };
}

/** The Lightning address (LUD-16) in a kind 0, in its one spelling, or null. Options as of `parseLightningAddress`. */
export function lightningAddressOf(
  event: NostrEvent,
  options: { readonly allowPrivateNetwork?: boolean } = {},
): string | null {
  if (event.kind !== PROFILE) return null;
  try {
    const content: unknown = JSON.parse(event.content);
    if (typeof content !== 'object' || content === null || !('lud16' in content)) return null;
    return typeof content.lud16 === 'string' ? (parseLightningAddress(content.lud16, options)?.address ?? null) : null;
  } catch {
    return null;
  }
}
