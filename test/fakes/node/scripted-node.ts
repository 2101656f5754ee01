import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import { unixSeconds } from '../../../src/lib/units.ts';
import type { NostrEvent } from '../../../src/nostr/event.ts';
import { generateSecretKey } from '../../../src/nostr/keys.ts';
import { createLocalSigner } from '../../../src/nostr/local-signer.ts';
import { openDm } from '../../../src/nostr/open.ts';
import { isDropped } from '../../../src/nostr/opened-dm.ts';
import { createRumor, sealDm } from '../../../src/nostr/seal.ts';
import type { NodeFile } from './user-data.ts';

const rng: Rng = { bytes: (length) => new Uint8Array(randomBytes(length)) };

/** What a scripted node says of itself. */
export interface NodeReport {
  readonly height: number;
  readonly headers: number;
  readonly progressPpm: number;
  readonly synced: boolean;
  readonly trouble?: readonly string[];
}

export interface NodeWires {
  readonly clock: Clock;
  /** Puts an event on these relays. */
  publish(relays: readonly string[], event: NostrEvent): Promise<void>;
}

/** A node without its agent: it says what a test has it say, by the agent's own protocol, with a key of its own. */
export class ScriptedNode {
  readonly file: NodeFile;
  /** JSON-RPC objects of Timmy's, in order of arrival. */
  readonly heard: Record<string, unknown>[] = [];
  readonly #wires: NodeWires;
  readonly #key = createLocalSigner(generateSecretKey(rng), rng);
  readonly #hostKey = `SHA256:${randomBytes(32).toString('base64').replace(/=+$/, '')}`;
  #seq = 0;
  #announced = 0;

  constructor(file: NodeFile, wires: NodeWires) {
    this.file = file;
    this.#wires = wires;
  }

  get pubkey(): string {
    return this.#key.publicKey;
  }

  get hostKeys(): readonly string[] {
    return [this.#hostKey];
  }

  /** One new message each time, as if the agent had lost its notes. */
  async announce(change: { order?: string; attempt?: number; claim?: string; ip?: string } = {}): Promise<void> {
    const { order, attempt, claim, impl } = this.file;
    const params = { order, attempt, claim, host_keys: this.hostKeys, version: 'scripted', impl, ...change };
    this.#announced += 1;
    const id = this.#announced === 1 ? 'announce' : `announce-${this.#announced}`;
    await this.#tell(this.file.timmy, { jsonrpc: '2.0', id, method: 'node.announce', params });
  }

  async report({ height, headers, progressPpm, synced, trouble = [] }: NodeReport, order?: string): Promise<void> {
    const seq = (this.#seq += 1);
    const params = {
      ...{ order: order ?? this.file.order, seq, height, headers, progress_ppm: progressPpm, synced, peers: 8 },
      ...{ disk_free_mb: 90_000, disk_total_mb: 160_000, bitcoind: '31.0', lnd: null, lnbits: false, trouble },
    };
    await this.#tell(this.file.timmy, { jsonrpc: '2.0', id: `report-${seq}`, method: 'node.report', params });
  }

  /** What its owner gets: who it is, and its credentials. */
  async deliver(): Promise<void> {
    const { owner, order } = this.file;
    await this.#say(owner, `I am your Bitcoin node of order ${order}.`);
    await this.#say(owner, `Credentials of ${order}: rpc password canary-${this.pubkey.slice(0, 8)}`);
  }

  /** An event that a relay has for it. */
  async hear(event: NostrEvent): Promise<void> {
    const dm = await openDm(event, this.#key, this.#wires.clock.now());
    if (!isDropped(dm) && dm.sender === this.file.timmy)
      this.heard.push(JSON.parse(dm.content) as Record<string, unknown>);
  }

  async #tell(to: string, message: object): Promise<void> {
    await this.#say(to, JSON.stringify(message));
  }

  async #say(to: string, content: string): Promise<void> {
    const now = this.#wires.clock.now();
    const createdAt = unixSeconds(now);
    const rumor = createRumor({ pubkey: this.pubkey, kind: 14, content, createdAt, recipients: [to] });
    const { timmy, timmy_relays: timmys, owner_relays: owners } = this.file;
    const relays = to === timmy || owners.length === 0 ? timmys : owners;
    await this.#wires.publish(relays, await sealDm(rumor, to, this.#key, rng, now));
  }
}
