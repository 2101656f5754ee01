/** `2026-11-24 02:18 UTC`: when something was, in words for the operator. */
export function atTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
