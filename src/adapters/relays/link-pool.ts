import type { Cancel } from '../../lib/clock.ts';
import { openLink, type Link } from './link.ts';
import type { RelayPorts } from './inbox-relay.ts';

const MAX_LINKS = 40;
const IDLE_CLOSE_MS = 30_000;

interface Pooled {
  readonly link: Link;
  users: number;
  cancelIdle: Cancel;
}

/** Who we are on a link: our key if the relay asks for it, or nobody. */
export type Face = 'ourselves' | 'anonymous';

/** Connections to other people's relays: opened when needed, shared, closed when idle, bounded in number. */
export class LinkPool {
  readonly #ports: RelayPorts;
  /** Least recently used first. */
  readonly #links = new Map<string, Pooled>();

  constructor(ports: RelayPorts) {
    this.#ports = ports;
  }

  /** Runs `work` with a link to `url`, or with null when too many are busy. The link may never become ready. */
  async use<T>(url: string, face: Face, work: (link: Link | null) => Promise<T>): Promise<T> {
    const key = `${face} ${url}`;
    const pooled = this.#links.get(key) ?? this.#open(key, url, face);
    if (pooled === null) return work(null);
    this.#links.delete(key);
    this.#links.set(key, pooled);
    pooled.cancelIdle();
    pooled.users += 1;
    try {
      return await work(pooled.link);
    } finally {
      pooled.users -= 1;
      if (pooled.users === 0 && pooled.link.state() !== 'closed') {
        pooled.cancelIdle = this.#ports.clock.after(IDLE_CLOSE_MS, () => pooled.link.close());
      }
    }
  }

  close(): void {
    for (const { link } of [...this.#links.values()]) link.close();
  }

  #open(key: string, url: string, face: Face): Pooled | null {
    if (this.#links.size >= MAX_LINKS && !this.#closeOneIdle()) return null;
    const { clock, openSocket, signer, spellings } = this.#ports;
    const link = openLink({
      url,
      clock,
      openSocket,
      spellings,
      signer: face === 'ourselves' ? signer : null,
      onClosed: () => {
        pooled.cancelIdle();
        if (this.#links.get(key) === pooled) this.#links.delete(key);
      },
    });
    const pooled: Pooled = { link, users: 0, cancelIdle: () => {} };
    this.#links.set(key, pooled);
    return pooled;
  }

  #closeOneIdle(): boolean {
    for (const { link, users } of this.#links.values()) {
      if (users > 0) continue;
      link.close();
      return true;
    }
    return false;
  }
}
