import type { AgentState } from './state.ts';
import type { Snapshot } from './services/services.ts';

/** What can ail a node, by the words of `node.report`. */
export const TROUBLES = [
  'wrong_chain',
  'disk_low',
  'bitcoind_down',
  'lnd_down',
  'lnbits_down',
  'no_peers',
  'clock',
] as const;
export type Trouble = (typeof TROUBLES)[number];

/** Looks in a row before it is believed: a restart is no trouble. Minutes, at one look a minute. */
const LOOKS: Readonly<Record<Trouble, number>> = {
  wrong_chain: 1,
  disk_low: 1,
  bitcoind_down: 3,
  lnd_down: 5,
  lnbits_down: 5,
  no_peers: 15,
  clock: 10,
};
const LOOKS_UNTIL_OVER = 2;
/** Of disk. Between the two, what was so stays so. Megabytes. */
const LOW_MB = 8_000;
const ENOUGH_MB = 10_000;

/** What this look alone says. `isSetUp`: the setup is through, so that bitcoind ought to be there. */
export function ailmentsOf(
  snapshot: Snapshot,
  { everUp, isSetUp, was }: { everUp: AgentState['everUp']; isSetUp: boolean; was: readonly string[] },
): ReadonlySet<Trouble> {
  const found = new Set<Trouble>();
  const { bitcoind, disk } = snapshot;
  if (bitcoind.state === 'down' && (isSetUp || everUp.bitcoind)) found.add('bitcoind_down');
  if (bitcoind.state === 'up' && (bitcoind.isWrongChain || bitcoind.chain !== 'main')) found.add('wrong_chain');
  if (bitcoind.state === 'up' && bitcoind.peers === 0) found.add('no_peers');
  if (snapshot.lnd === null && everUp.lnd) found.add('lnd_down');
  if (!snapshot.lnbits && everUp.lnbits) found.add('lnbits_down');
  if (disk !== null) {
    const bound = was.includes('disk_low') ? ENOUGH_MB : LOW_MB;
    if (disk.freeMb < Math.min(bound, disk.totalMb / 10)) found.add('disk_low');
  }
  if (!snapshot.isClockSet) found.add('clock');
  return found;
}

/** Turns looks into trouble: it begins after so many looks in a row, and is over after two without it. */
export class Watch {
  readonly #counts = new Map<Trouble, number>();
  #trouble: readonly Trouble[];

  constructor(was: readonly string[]) {
    this.#trouble = TROUBLES.filter((trouble) => was.includes(trouble));
  }

  get now(): readonly Trouble[] {
    return this.#trouble;
  }

  /** In the order of `TROUBLES`. */
  after(ailments: ReadonlySet<Trouble>): readonly Trouble[] {
    this.#trouble = TROUBLES.filter((trouble) => {
      const isSo = this.#trouble.includes(trouble);
      if (ailments.has(trouble) === isSo) {
        this.#counts.delete(trouble);
        return isSo;
      }
      const count = (this.#counts.get(trouble) ?? 0) + 1;
      this.#counts.set(trouble, count);
      const isSettled = count >= (isSo ? LOOKS_UNTIL_OVER : LOOKS[trouble]);
      if (isSettled) this.#counts.delete(trouble);
      return isSettled ? !isSo : isSo;
    });
    return this.#trouble;
  }
}

export function nowUp(everUp: AgentState['everUp'], snapshot: Snapshot): AgentState['everUp'] {
  return {
    bitcoind: everUp.bitcoind || snapshot.bitcoind.state === 'up',
    // A wallet that does not exist yet is no wallet that works.
    lnd: everUp.lnd || snapshot.lnd?.endsWith('_ACTIVE') === true,
    lnbits: everUp.lnbits || snapshot.lnbits,
  };
}
