/** Randomness as a port: cryptographically strong in the daemon, seeded in a simulator. */
export interface Rng {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array;
}

/** A uniform integer in 0 … `below` − 1 (`below` ≤ 2^32), without modulo bias. */
export function randomInt(rng: Rng, below: number): number {
  if (!Number.isInteger(below) || below < 1 || below > 2 ** 32) throw new RangeError('randomInt: bad bound');
  const limit = Math.floor(2 ** 32 / below) * below;
  for (;;) {
    const b = rng.bytes(4);
    const value = ((b[0]! << 24) | (b[1]! << 16) | (b[2]! << 8) | b[3]!) >>> 0;
    if (value < limit) return value % below;
  }
}
