import { plusSeconds, unixSeconds } from '../lib/units.ts';
import type { OpenedDm } from '../nostr/opened-dm.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import { ANNOUNCE_ID, type Announcement } from './announce.ts';
import type { Context } from './context.ts';
import { isObject, parseObject, wholeOf } from './reading.ts';
import type { Snapshot } from './services/services.ts';
import { nextDate } from './state.ts';
import { waysToTimmy } from './ways.ts';
import type { Trouble } from './watch.ts';

const REPORT_LIFE_SECONDS = 7 * 86_400;

/**
 * Hears Timmy: answers to what this node said, and the end of the term. There is nothing else that Timmy could make it do.
 * In a turn; true when it was a message of that kind.
 */
export function hearTimmy({ state, node, log }: Context, announcement: Announcement, dm: OpenedDm): boolean {
  const message = parseObject(dm.content);
  if (message?.['jsonrpc'] !== '2.0') return false;
  const { id, method, result, params } = message;

  const setTerm = (value: unknown): void => {
    const endsAt = wholeOf(value, 1, 10 ** 11);
    if (endsAt === null || dm.createdAt <= state.now.termSaidAt) return; // an old word that comes again
    state.change(() => ({ termEndsAt: unixSeconds(endsAt), termSaidAt: dm.createdAt }));
    log.info('term.set', { ends_at: endsAt });
  };

  if (method === 'node.term' && id === undefined) {
    if (isObject(params) && params['order'] === node.order) setTerm(params['term_ends_at']);
    return true;
  }
  if (method !== undefined || typeof id !== 'string') return false;
  if (id === ANNOUNCE_ID) {
    const code = isObject(message['error']) ? wholeOf(message['error']['code'], -100_000, 100_000) : null;
    announcement.answered(result, code);
    return true;
  }
  if (id.startsWith('report-') && isObject(result)) setTerm(result['term_ends_at']);
  return id.startsWith('report-');
}

/** Tells Timmy how the node is: when something changed, and each time the interval is over. Reports are not kept: the next one says more. */
export class Reports {
  readonly #context: Context;
  /** No relay took the last one, or this life has sent none yet. */
  #isOwed = true;
  #lastUp: Up | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Sends one where one is due. Killed midway: the next life begins with a report. */
  async after(snapshot: Snapshot, trouble: readonly Trouble[]): Promise<void> {
    const { state, node, signer, rng, clock, pace, relays, turns } = this.#context;
    if (snapshot.bitcoind.state === 'up') this.#lastUp = snapshot.bitcoind;
    if (state.now.announce.outcome !== 'accepted') return;
    const { reported } = state.now;
    // While bitcoind is away nobody knows: what was so last is said, and that alone is no change.
    const synced = this.#lastUp?.synced ?? reported.synced;
    const isChanged = synced !== reported.synced || trouble.join() !== reported.trouble.join();
    const everySeconds = (state.now.reportEverySeconds * pace.secondMs) / 1_000;
    const age = clock.now() - reported.at;
    if (!this.#isOwed && !isChanged && age >= 0 && age < everySeconds) return;

    const rumor = await turns(async () => {
      const seq = state.now.reported.seq + 1;
      const createdAt = nextDate(state.now, clock.now());
      state.change(() => ({ reported: { seq, at: clock.now(), synced, trouble }, lastSaidAt: createdAt }));
      const params = { order: node.order, seq, ...shown(snapshot, this.#lastUp), synced, trouble };
      const content = JSON.stringify({ jsonrpc: '2.0', id: `report-${seq}`, method: 'node.report', params });
      return createRumor({ pubkey: signer.publicKey, kind: 14, content, createdAt, recipients: [node.timmy] });
    });
    this.#isOwed = true;
    const now = clock.now();
    // Relays may forget it when newer ones have long been there.
    const wrap = await sealDm(rumor, node.timmy, signer, rng, now, {
      expiresAt: plusSeconds(now, REPORT_LIFE_SECONDS),
    });
    const answers = await relays.publish(wrap, waysToTimmy(node, state.now));
    this.#isOwed = ![...answers.values()].includes('taken');
  }
}

type Up = Extract<Snapshot['bitcoind'], { state: 'up' }>;

/** A snapshot as programs read it: `node.report` to Timmy, `node.status` to the owner. Null: not known. `last`: what was so while bitcoind still answered. */
export function shown({ bitcoind, lnd, lnbits, disk }: Snapshot, last: Up | null = null): Record<string, unknown> {
  const chain = bitcoind.state === 'up' ? bitcoind : last;
  return {
    height: chain?.height ?? null,
    headers: chain?.headers ?? null,
    progress_ppm: chain?.progressPpm ?? null,
    synced: chain?.synced ?? false,
    peers: bitcoind.state === 'up' ? bitcoind.peers : null,
    disk_free_mb: disk?.freeMb ?? null,
    disk_total_mb: disk?.totalMb ?? null,
    bitcoind: bitcoind.state === 'up' ? bitcoind.version : null,
    lnd,
    lnbits,
  };
}
