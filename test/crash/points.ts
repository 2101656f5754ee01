/** The kinds of task that a job runs through, from the first word to the last receipt. */
const KINDS = [
  'profile.publish',
  'housekeeping',
  'wallet.reconcile',
  'dm.handle',
  'profile.lookup',
  'outbox.seal',
  'outbox.publish',
  'invoice.create',
  'invoice.watch',
  'order.event',
  'order.activity',
  'receipt.sign',
  'refund.auto',
  'payout.send',
  'payout.watch',
  'receipt.give',
];

/** Every crash point of the job flow, by name. A recording run must reach exactly these. */
export const POINTS = [
  'inbox:opened',
  'inbox:filed',
  ...KINDS.flatMap((kind) => [`${kind}:acting`, `${kind}:acted`, `${kind}:committed`]),
];

const again = (times: readonly number[], ...points: string[]): string[] =>
  times.flatMap((time) => points.map((point) => `${point}#${time}`));

/** Points that mean something else when they are reached again: the second invoice is the work's, and so on. */
const LATER = [
  // The refund's invoice and the word `receipt`.
  ...again([2, 3], 'inbox:opened', 'inbox:filed', 'dm.handle:acting', 'dm.handle:acted', 'dm.handle:committed'),
  // Invoice there, paid, evaluated; invoice there, paid, worked.
  ...again([2, 3, 4, 5, 6], 'order.event:acted', 'order.event:committed'),
  ...again([2], 'invoice.create:acting', 'invoice.create:acted', 'invoice.create:committed'),
  ...again([2], 'invoice.watch:acting', 'invoice.watch:acted', 'invoice.watch:committed'),
  ...again([2], 'order.activity:acting', 'order.activity:acted', 'order.activity:committed'),
  // The quote, the answer, the word that the change was paid.
  ...again([3, 5, 7], 'outbox.seal:acted', 'outbox.seal:committed', 'outbox.publish:acted', 'outbox.publish:committed'),
];

/** Where the suite kills: each point when it is reached first, and some of them later again. */
export const KILLS = [...POINTS, ...LATER];
