/** Relays whose spellings are remembered; the one longest unused makes room. */
const MAX_RELAYS = 500;
const MAX_SPELLINGS = 5;

interface Known {
  /** What to try, in this order. */
  order: readonly string[];
  /** The relay once said OK to the first. */
  isProven: boolean;
}

/**
 * How relays spell their own URL. Some take an AUTH only when its `relay` tag is written as in their configuration:
 * with a slash at the end, or with the port. All of these name the same relay; what worked is remembered.
 */
export class Spellings {
  readonly #known = new Map<string, Known>();

  /** As the operator wrote the URL whose normal form is `url`: tried first. */
  configured(url: string, written: string): void {
    const known = this.#of(url);
    known.order = [...new Set([written.trim(), ...known.order])].slice(0, MAX_SPELLINGS);
  }

  /** Spellings of this relay's URL, the most promising first. */
  of(url: string): readonly string[] {
    return this.#of(url).order;
  }

  worked(url: string, spelling: string): void {
    const known = this.#of(url);
    known.order = [spelling, ...known.order.filter((other) => other !== spelling)];
    known.isProven = true;
  }

  /** Refused. The next connection begins with another one. */
  failed(url: string, spelling: string): void {
    const known = this.#of(url);
    known.order = [...known.order.filter((other) => other !== spelling), spelling];
    known.isProven = false;
  }

  /** The connection ended before the relay said a word on it: doubtful, unless it has worked before. */
  cut(url: string, spelling: string): void {
    if (!this.#of(url).isProven) this.failed(url, spelling);
  }

  #of(url: string): Known {
    const known = this.#known.get(url) ?? { order: spellingsOf(url), isProven: false };
    this.#known.delete(url);
    this.#known.set(url, known);
    if (this.#known.size > MAX_RELAYS) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return known;
  }
}

/** `url` is in normal form: no slash at the end, no default port. */
export function spellingsOf(url: string): readonly string[] {
  const parts = /^(wss?:\/\/)([^/?]*)([^?]*)(\?.*)?$/.exec(url);
  if (parts === null) return [url];
  const [, scheme = '', host = '', path = '', query = ''] = parts;
  const hasPort = /:\d+$/.test(host);
  const hosts = hasPort ? [host] : [host, `${host}:${scheme === 'wss://' ? 443 : 80}`];
  return hosts.flatMap((each) => [`${scheme}${each}${path}${query}`, `${scheme}${each}${path}/${query}`]);
}
