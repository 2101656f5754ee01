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
  'job.evaluate',
  'job.execute',
  'receipt.sign',
  'refund.auto',
  'payout.send',
  'payout.watch',
  'receipt.give',
];

/** The three moments of a task that may be lost: begun, done outside, committed. */
const whole = (kind: string): string[] => [`${kind}:acting`, `${kind}:acted`, `${kind}:committed`];

/** They look after nodes, whoever buys what: killed where nodes are sold (test/faults/node.test.ts). */
const OF_NODES = ['bootstrap.look', 'bootstrap.sweep'].flatMap(whole);

const OWN_POINTS = ['inbox:opened', 'inbox:filed', ...KINDS.flatMap(whole)];

/** Every crash point of the job flow, by name. A recording run must reach exactly these. */
export const POINTS = [...OWN_POINTS, ...OF_NODES];

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
  // The quote, the answer, the word that the change was paid.
  ...again([3, 5, 7], 'outbox.seal:acted', 'outbox.seal:committed', 'outbox.publish:acted', 'outbox.publish:committed'),
];

/** Where a purchase in words is killed: each point when it is reached first, and some of them later again. */
export const KILLS = [...OWN_POINTS, ...LATER];

/** Points that mean something else to a program: its answers wait for what a person is told as it comes. */
export const RPC_KILLS = [
  // `job.create`, whose answer is the invoice's event.
  'inbox:filed',
  ...whole('dm.handle'),
  ...whole('invoice.create'),
  ...whole('order.event'),
  'outbox.seal:committed',
  'outbox.publish:acted',
  'outbox.publish:committed',
  // The notifications of the work's invoice, and of the result.
  ...again([4], 'order.event:acted'),
  ...again([6], 'outbox.seal:committed', 'outbox.publish:acted'),
  // `job.refund`: answered at once; that it was paid is a notification.
  ...again([2], 'inbox:filed', 'dm.handle:acted', 'dm.handle:committed'),
  ...again([7], 'outbox.seal:committed', 'outbox.publish:acted', 'order.event:acted'),
  ...again([8], 'order.event:acted', 'order.event:committed'),
  'payout.send:acted',
  // `job.receipt`, answered by a task of its own.
  ...again([3], 'dm.handle:committed'),
  ...whole('receipt.give'),
  ...again([9], 'outbox.publish:acted'),
];

/** The kinds of task that a free question runs through. */
const DEMO_KINDS = [
  'profile.publish',
  'housekeeping',
  'wallet.reconcile',
  'dm.handle',
  'profile.lookup',
  'outbox.seal',
  'outbox.publish',
  'order.event',
  'demo.look',
  'demo.answer',
];

/** Every crash point of a free question. A recording run must reach exactly these. */
export const DEMO_POINTS = ['inbox:opened', 'inbox:filed', ...DEMO_KINDS.flatMap(whole), ...OF_NODES];

/** Points that mean something else, or something new, where nothing is paid. */
export const DEMO_KILLS = [
  'inbox:filed',
  ...whole('dm.handle'),
  ...whole('demo.look'),
  ...whole('demo.answer'),
  // Looked at, answered.
  ...again([1, 2], 'order.event:acted', 'order.event:committed'),
  'outbox.seal:committed',
  'outbox.publish:acted',
];

/** Points between a request that is said twice and its answer. */
export const IMPATIENT_KILLS = [
  'inbox:filed#2',
  'dm.handle:acted',
  'dm.handle:committed',
  'invoice.create:committed',
  ...again([3], 'dm.handle:committed'),
];

/** Points that a purchase adds, or gives another meaning, whose change goes to the address in the customer's profile. */
export const ADDRESS_KILLS = [
  ...whole('profile.lookup'),
  // Tried when the address is found, with nothing owed yet; then for the change.
  ...whole('refund.auto'),
  ...again([2], ...whole('refund.auto')),
  ...whole('payout.send'),
  ...whole('payout.watch'),
  // The refund's own receipt, after those of the look and of the work.
  ...again([3], ...whole('receipt.sign')),
  // Told of the payout: committed, paid.
  ...again([7, 8], 'order.event:acted', 'order.event:committed'),
  // "Paid out", the first message since the answer.
  ...again([6], 'outbox.seal:acted', 'outbox.seal:committed', 'outbox.publish:acted', 'outbox.publish:committed'),
];

/**
 * Where a session in words is killed, life after life: its own kinds of task, and what the others mean in it. Each life
 * counts anew. Two lost calls of the model are a failure, which is another story.
 */
export const SESSION_KILLS: readonly (readonly string[])[] = [
  // The first question, and the second.
  ['request.evaluate:acting', 'request.execute:committed', 'request.execute:acted'],
  ['request.evaluate:acted', 'request.execute:acting', 'request.execute:committed#2'],
  ['request.evaluate:committed', 'request.execute:acted'],
  // The question, the word `topup`, the word `close`: lost, and kept.
  ['dm.handle:acted#2', 'dm.handle:acted#2', 'dm.handle:acted#3'],
  ['dm.handle:committed#2', 'dm.handle:committed', 'dm.handle:committed#2'],
  // Deposit paid; looked at, answered.
  ['order.event:committed#2', 'order.event:committed', 'order.event:committed'],
  // The session hears of it; the top-up is paid.
  ['order.event:committed#5', 'order.event:committed#2'],
  ['order.event:acted#10'],
  // Where the first death left it.
  ['request.execute:acted', 'order.event:committed#2'],
  ['order.event:acted#4', 'order.event:acted'],
];

export const SESSION_RPC_KILLS: readonly (readonly string[])[] = [
  ['request.evaluate:acted', 'request.execute:acting'],
  ['request.execute:acted', 'request.execute:committed'],
  // `session.request`; `session.close` with its invoice: lost, and kept.
  ['dm.handle:committed#2', 'dm.handle:acted#3', 'dm.handle:committed'],
  ['order.event:committed#4', 'order.event:committed'],
];

/** A token is made, and made again in its place: what a life made and did not keep, nobody ever hears. */
export const TOKEN_KILLS: readonly string[] = [
  ...whole('session.token'),
  'session.token:acted',
  'session.token:committed',
];

/** The time of a session is over: its timer, and the payout of what is left. */
export const EXPIRY_KILLS: readonly string[] = ['order.event:acted', 'order.event:committed'];
