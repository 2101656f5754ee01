import { splitExact } from '../../lib/message-parts.ts';

/** Longest result, in bytes, that travels inside its object; a longer one comes in parts. */
const MAX_INLINE_RESULT = 6000;

/** One part: it travels in the object. More: `<product>.part` notifications, which join to exactly the result. */
export function resultParts(result: string): string[] {
  return splitExact(result, MAX_INLINE_RESULT);
}
