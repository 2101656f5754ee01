import { seeded } from './seeded.ts';

/** What a purchase whose change goes to an address runs through, in the order in which the customer lets it go on. */
const STAGES: readonly (readonly string[])[] = [
  ['profile.publish', 'housekeeping', 'wallet.reconcile'],
  // Asked.
  ['inbox', 'dm.handle', 'profile.lookup', 'invoice.create', 'order.event', 'outbox.seal', 'outbox.publish'],
  // The look paid.
  ['invoice.watch', 'job.evaluate', 'receipt.sign', 'invoice.create', 'order.event', 'outbox.seal', 'outbox.publish'],
  // The work paid.
  ['invoice.watch', 'job.execute', 'refund.auto', 'payout.send', 'payout.watch', 'order.event', 'outbox.publish'],
  // `receipt`.
  ['inbox', 'dm.handle', 'receipt.give', 'outbox.seal', 'outbox.publish'],
];

/** Where the first and the second life end. */
export type Pair = readonly [string, string];

/**
 * Two deaths in one purchase: the first anywhere, the second where the next life surely comes: at its start, or in a
 * later stage.
 */
export function samplePairs(count: number, seed: number): Pair[] {
  const chance = seeded(seed);
  const pointOf = (kind: string): string =>
    `${kind}:${chance.pick(kind === 'inbox' ? ['opened', 'filed'] : ['acting', 'acted', 'committed'])}`;
  const pairs = new Map<string, Pair>();
  while (pairs.size < count) {
    const stage = Math.floor(chance.next() * STAGES.length);
    // By name alone the first life ends where the point is reached first.
    const before = STAGES.slice(0, stage).flat();
    const first = pointOf(chance.pick((STAGES[stage] ?? []).filter((kind) => !before.includes(kind))));
    const later = STAGES.slice(stage + 1);
    const second = pointOf(chance.pick([...(STAGES[0] ?? []), ...later.flat()]));
    pairs.set(`${first} ${second}`, [first, second]);
  }
  return [...pairs.values()];
}

const twice = (point: string): Pair => [point, point];

/** The same point in both lives: what was lost there is done again, and lost again. */
export const SAME: readonly Pair[] = [
  'inbox:opened',
  'dm.handle:acted',
  'invoice.create:acted',
  'order.event:acted',
  'refund.auto:acting',
  'payout.send:acted',
  'payout.watch:acted',
  'outbox.publish:acted',
].map(twice);
