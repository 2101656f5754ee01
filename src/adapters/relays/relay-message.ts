import { isHex64, readUnsigned } from '../../nostr/verify.ts';

/** What relays say (NIP-01, NIP-42), its outer form checked. */
export type RelayMessage =
  | { readonly type: 'EVENT'; readonly subscription: string; readonly event: unknown }
  | { readonly type: 'OK'; readonly id: string; readonly accepted: boolean; readonly text: string }
  | { readonly type: 'EOSE'; readonly subscription: string }
  | { readonly type: 'CLOSED'; readonly subscription: string; readonly text: string }
  | { readonly type: 'AUTH'; readonly challenge: string }
  | { readonly type: 'NOTICE'; readonly text: string };

const MAX_CHALLENGE_CHARS = 1_024;

/** Null for whatever is none of these. Never throws. */
export function parseRelayMessage(frame: string): RelayMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return null;
  }
  if (!Array.isArray(message)) return null;
  const [type, first, second, third] = message as unknown[];
  if (typeof first !== 'string') return null;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  switch (type) {
    case 'EVENT':
      return { type, subscription: first, event: second };
    case 'OK':
      return { type, id: first, accepted: second === true, text: text(third) };
    case 'EOSE':
      return { type, subscription: first };
    case 'CLOSED':
      return { type, subscription: first, text: text(second) };
    case 'AUTH':
      return first.length > 0 && first.length <= MAX_CHALLENGE_CHARS ? { type, challenge: first } : null;
    case 'NOTICE':
      return { type, text: first };
    default:
      return null;
  }
}

/** An event as it came, with what paging needs of it. Neither its id nor its signature is checked. */
export interface Delivery {
  readonly event: unknown;
  readonly id: string;
  readonly createdAt: number;
  readonly fields: NonNullable<ReturnType<typeof readUnsigned>> & { readonly id: string };
}

/** Null when it has not the shape of an event. */
export function readDelivery(event: unknown, maxTags: number): Delivery | null {
  const fields = readUnsigned(event, maxTags);
  if (fields === null || typeof event !== 'object' || event === null || !('id' in event)) return null;
  const { id } = event;
  return isHex64(id) ? { event, id, createdAt: fields.created_at, fields: { ...fields, id } } : null;
}
