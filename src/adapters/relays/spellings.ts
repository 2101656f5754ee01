/** Relays remembered at a time. */
const MAX_KNOWN = 1_000;

/**
 * The ways to write a relay's URL that mean this relay, and which of them it takes in an AUTH (NIP-42): some compare
 * the text, with the slash at its end or without.
 */
export class Spellings {
  readonly #known = new Map<string, string>();

  /** The one that worked last, then the others. */
  of(url: string): readonly string[] {
    const slashed = withSlash(url);
    const all = slashed === null ? [url] : [url, slashed];
    const known = this.#known.get(url);
    return known === undefined ? all : [known, ...all.filter((spelling) => spelling !== known)];
  }

  worked(url: string, spelling: string): void {
    this.#known.delete(url);
    this.#known.set(url, spelling);
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value ?? url);
  }
}

/** Null where a query ends it. */
function withSlash(url: string): string | null {
  return url.includes('?') || url.endsWith('/') ? null : `${url}/`;
}
