/** As many talkers as stay known; an ECDH (more than a millisecond) is saved for each message of theirs. */
const KEPT = 5_000;
/** Newcomers: most are the throwaway keys of wraps, which never come back and must not push out customers. */
const NEWCOMERS = 256;

/** Remembers what is asked for more than once. Least recently used goes first; memory only. */
export class ConversationKeys {
  readonly #kept = new Map<string, Uint8Array>();
  readonly #newcomers = new Map<string, Uint8Array>();

  /** The key of `peer`, computed by `derive` unless remembered. Throws what `derive` throws. */
  get(peer: string, derive: () => Uint8Array): Uint8Array {
    const known = this.#kept.get(peer) ?? this.#newcomers.get(peer);
    if (known === undefined) {
      const fresh = derive();
      put(this.#newcomers, NEWCOMERS, peer, fresh);
      return fresh;
    }
    this.#newcomers.delete(peer);
    put(this.#kept, KEPT, peer, known);
    return known;
  }
}

function put(cache: Map<string, Uint8Array>, capacity: number, peer: string, key: Uint8Array): void {
  cache.delete(peer);
  cache.set(peer, key);
  if (cache.size <= capacity) return;
  for (const oldest of cache.keys()) {
    cache.delete(oldest);
    return;
  }
}
