/**
 * The rooms of work. Each has places of its own, so that what waits in one takes none of another: whatever strangers,
 * relays or the wallet do, money is seen, messages come in and go out, and housekeeping runs.
 *
 * - `intake`: messages in. `orders`: events of orders. `outgoing`: sealing messages. `work`: the
 *   work that a relay asks for (NIP-13). Sending to relays has rooms of its own (`messaging/publishing`).
 * - `lookups`: what is asked of strangers' servers, or of the wallet because a customer said a word.
 * - `issuing`, `looks` (is it paid?), `late` (was it, after all?), `payouts` (sending), `proofs` (how did it end?): the wallet.
 * - `model`: paid work. `free`: what nobody pays for, asked of the model in places of its own. `receipts`: signing. `clouds`: what nodes are made with, which bills from when it is begun. `forgetting`: what customers have erased. `housekeeping`: one each of the recurring, and the operator's decisions.
 */
export type Pool =
  | 'intake'
  | 'orders'
  | 'outgoing'
  | 'work'
  | 'receipts'
  | 'clouds'
  | 'lookups'
  | 'issuing'
  | 'looks'
  | 'late'
  | 'proofs'
  | 'payouts'
  | 'model'
  | 'free'
  | 'forgetting'
  | 'housekeeping';

/** So many tasks of each pool run side by side. A place costs no CPU while it waits: wide where strangers make us wait. */
export const WIDTHS: Readonly<Record<Pool, number>> = {
  // They may wait 3 s for the price of bitcoin, each sender in one place.
  intake: 16,
  // They never wait.
  orders: 4,
  // Relay lists are looked up for 2 s, each recipient in one place.
  outgoing: 64,
  // One core is enough for it.
  work: 1,
  receipts: 4,
  // A cloud may take half a minute to answer, and nothing else waits for it.
  clouds: 8,
  // An address may take 10 s, each customer in `LOOKUPS_OF_ONE` places.
  lookups: 24,
  // An invoice may take 30 s, each customer in `INVOICES_OF_ONE` places. They wait for the wallet's pace, which knows who
  // goes first, and not for a place here.
  issuing: 64,
  looks: 16,
  // Lapsed invoices, which are rarely worth a look: one at a time.
  late: 1,
  // A look-up of a held payment may take 30 s.
  proofs: 8,
  // A held payment stalls all of LNbits: one by one.
  payouts: 1,
  // `LIMIT_PAID_AT_ONCE` says otherwise.
  model: 4,
  // Few: what the model does for them it does not do for paid work.
  free: 2,
  // Each waits for the disk several times, and everybody with it.
  forgetting: 1,
  // More than there are kinds: none waits for another.
  housekeeping: 6,
};

/**
 * What is begun there may cost money when it is begun again: the count of attempts must survive a power cut. Elsewhere
 * a lost claim only means that the task is still waiting, and each hop of a message waits for the disk once, not twice.
 */
export const COSTLY: ReadonlySet<Pool> = new Set<Pool>(['payouts', 'model', 'free', 'clouds']);
