import type { Decision, Effect } from '../../engine/types.ts';
import { toMsats, type Sats } from '../../lib/units.ts';
import type { Doing, NodeFacts, NodeNotice, NodeOrder } from './states.ts';

export type NodeDecision = Decision<NodeOrder, NodeNotice>;
export type NodeEffect = Effect<NodeNotice>;

export function feeInvoice(
  { wanted }: NodeOrder,
  expirySeconds: number,
  how: { readonly replyTo: number | null; readonly reopens: boolean; readonly mayFail: boolean },
): NodeEffect {
  return { type: 'invoice', purpose: 'bootstrap', amountSats: wanted.feeSats, expirySeconds, ...how };
}

/** Once for each `cause`. */
export function oweBack(node: NodeOrder, amountSats: Sats, because: string, cause: string) {
  return { type: 'owe', amountMsats: toMsats(amountSats), because, cause: `${node.id}:${cause}` } as const;
}

export function say(notice: NodeNotice, replyTo: number | null = null): NodeEffect {
  return { type: 'notify', notice, replyTo };
}

export function run(doing: Exclude<Doing, 'announce'>): NodeEffect {
  return { type: 'run', activity: doing, input: {} };
}

export function change(node: NodeOrder, { now }: Pick<NodeFacts, 'now'>, effects: readonly NodeEffect[]): NodeDecision {
  return { order: { ...node, updatedAt: now }, effects };
}

/** The very same order: nothing is saved, and no program is told of a change. */
export function same(node: NodeOrder, effects: readonly NodeEffect[] = []): NodeDecision {
  return { order: node, effects };
}
