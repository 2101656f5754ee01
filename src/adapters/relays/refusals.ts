import type { PublishResult } from '../../ports/relays.ts';

/** Why a relay said no, by the machine-readable prefix of an OK or CLOSED (NIP-01, NIP-42); `lost`: the connection is gone. */
export type RefusalKind =
  | 'auth-required'
  | 'restricted'
  | 'rate-limited'
  | 'duplicate'
  | 'blocked'
  | 'invalid'
  | 'unsupported'
  | 'pow'
  | 'error'
  | 'lost';

const PREFIXES: readonly RefusalKind[] = [
  'auth-required',
  'restricted',
  'rate-limited',
  'duplicate',
  'blocked',
  'invalid',
  'unsupported',
  'pow',
];

export function refusalKind(text: string): RefusalKind {
  const prefix = /^\s*([a-z-]+):/i.exec(text)?.[1]?.toLowerCase();
  const known = PREFIXES.find((candidate) => candidate === prefix);
  if (known !== undefined) return known;
  return /rate|slow down|too many|too fast/i.test(text) ? 'rate-limited' : 'error';
}

/** Both may be mended by AUTH, if the relay has sent a challenge or is about to. */
export function mayNeedAuth(kind: RefusalKind): boolean {
  return kind === 'auth-required' || kind === 'restricted';
}

/** An OK as the outbox understands it; the answer after AUTH, where that was asked for. */
export function publishResult(accepted: boolean, text: string): PublishResult {
  if (accepted) return { outcome: 'accepted' };
  const kind = refusalKind(text);
  switch (kind) {
    case 'duplicate':
      return { outcome: 'accepted' };
    case 'auth-required':
      return { outcome: 'later', why: 'auth' };
    case 'rate-limited':
      return { outcome: 'later', why: 'rate-limited' };
    case 'restricted':
    case 'blocked':
      return { outcome: 'refused', why: kind };
    case 'pow':
      return { outcome: 'refused', why: kind, ...difficultyIn(text) };
    case 'invalid':
    case 'unsupported':
      return { outcome: 'refused', why: whyInvalid(text) };
    case 'error':
    case 'lost':
      return /too (large|big|long)/i.test(text)
        ? { outcome: 'refused', why: 'too-large' }
        : { outcome: 'later', why: 'error' };
  }
}

/** What it asks for is the larger number: "difficulty 12 >= 16 is needed", "16 bits needed", "25>=20" of others. */
function difficultyIn(text: string): { difficulty?: number } {
  const numbers = (text.match(/\b\d{1,3}\b/g) ?? []).map(Number).filter((bits) => bits > 0 && bits <= 256);
  return numbers.length === 0 ? {} : { difficulty: Math.max(...numbers) };
}

function whyInvalid(text: string): 'invalid' | 'too-old' | 'too-large' {
  if (/too (large|big|long)|\bsize\b|exceeds/i.test(text)) return 'too-large';
  const isAboutAge = /too old|too far in the past|\b(created_at|timestamp|date)\b/i.test(text) && !/future/i.test(text);
  return isAboutAge ? 'too-old' : 'invalid';
}
