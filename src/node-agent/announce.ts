import { backoffMs } from '../lib/backoff.ts';
import { unixSeconds } from '../lib/units.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import { createBell } from './bell.ts';
import type { Context } from './context.ts';
import { hostKeys, publicAddress } from './host.ts';
import { isObject, wholeOf } from './reading.ts';
import { nextDate } from './state.ts';
import { waysToTimmy } from './ways.ts';

export const ANNOUNCE_ID = 'announce';
/** Timmy's word for a claim that is wrong or used: saying it again changes nothing. */
const NOT_YOURS = -32001;
/** A message this old is not carried out by Timmy (`nostr/opened-dm.ts`): then the same is said anew. */
const RUMOR_LIFE_SECONDS = 48 * 3_600;

/**
 * Tells Timmy whose key this is, by the claim that only this machine was given. The same message again and again until
 * Timmy answers. Killed midway: the same message goes on being said.
 */
export class Announcement {
  readonly #context: Context;
  readonly #onAccepted: () => void;
  readonly #bell;

  constructor(context: Context, onAccepted: () => void) {
    this.#context = context;
    this.#onAccepted = onAccepted;
    this.#bell = createBell(context.clock, context.stop);
  }

  /** Until Timmy answered for good, or the agent ends. */
  async run(): Promise<void> {
    const { state, node, signer, rng, clock, pace, relays, stop, reach, turns } = this.#context;
    for (let tries = 1; !stop.aborted && state.now.announce.outcome === 'open'; tries++) {
      const rumor = await turns(() => this.#rumor());
      reach('announce.kept');
      const wrap = await sealDm(rumor, node.timmy, signer, rng, clock.now());
      await relays.publish(wrap, waysToTimmy(node, state.now));
      reach('announce.sent');
      await this.#bell.wait(backoffMs(tries, pace.retryFirstMs, pace.retryMostMs, rng));
    }
  }

  /** Timmy's answer. In a turn. */
  answered(result: unknown, errorCode: number | null): void {
    const { state, log } = this.#context;
    if (state.now.announce.outcome !== 'open') return;
    if (isObject(result) && result['accepted'] === true) {
      const every = wholeOf(result['report_every_s'], 10, 7 * 86_400) ?? state.now.reportEverySeconds;
      const endsAt = wholeOf(result['term_ends_at'], 0, 10 ** 11);
      state.change(({ termEndsAt }) => ({
        announce: { outcome: 'accepted', rumor: null },
        reportEverySeconds: every,
        termEndsAt: endsAt === null ? termEndsAt : unixSeconds(endsAt),
      }));
      log.info('announce.accepted');
      this.#onAccepted();
    } else if (errorCode === NOT_YOURS) {
      state.change(() => ({ announce: { outcome: 'refused', rumor: null } }));
      log.warn('announce.refused');
    } else if (errorCode !== null) {
      // Not now: Timmy handles a message once, so the next try must be another one.
      state.change(() => ({ announce: { outcome: 'open', rumor: null } }));
      log.warn('announce.not_now', { code: errorCode });
      return;
    } else return; // neither yes nor no
    this.#bell.ring();
  }

  async #rumor(): Promise<ReturnType<typeof createRumor>> {
    const { state, node, paths, signer, clock, version } = this.#context;
    const now = clock.now();
    const kept = state.now.announce.rumor;
    if (kept !== null && kept.created_at > now - RUMOR_LIFE_SECONDS) return kept;
    const ip = publicAddress();
    const content = JSON.stringify({
      jsonrpc: '2.0',
      id: ANNOUNCE_ID,
      method: 'node.announce',
      params: {
        order: node.order,
        attempt: node.attempt,
        claim: node.claim,
        host_keys: hostKeys(paths.hostKeys),
        version,
        impl: node.impl,
        ...(ip !== null && { ip }),
      },
    });
    const createdAt = nextDate(state.now, now);
    const rumor = createRumor({ pubkey: signer.publicKey, kind: 14, content, createdAt, recipients: [node.timmy] });
    state.change(({ announce }) => ({ announce: { ...announce, rumor }, lastSaidAt: createdAt }));
    return rumor;
  }
}
