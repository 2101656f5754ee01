import type { NodeFile } from './node-file.ts';
import type { AgentState } from './state.ts';

/** Where the node reads: its kind 10050 says so. More would cost sockets and gain nothing. */
const MAX_READ = 4;
const MAX_WRITE = 6;

/** The relays that this node reads: some of the owner's and some of Timmy's, so that both find one that they know. */
export function ownRelays(node: NodeFile): readonly string[] {
  const turns = [0, 1, 2, 3].flatMap((index) => [node.ownerRelays[index], node.timmyRelays[index]]);
  return [...new Set(turns.filter((url) => url !== undefined))].slice(0, MAX_READ);
}

/** All that node.json names. */
export function namedRelays(node: NodeFile): readonly string[] {
  return [...new Set([...node.ownerRelays, ...node.timmyRelays])];
}

/**
 * Where the owner is written to at try number `attempt` (from 1): where they say that they read, and each time that
 * nobody there takes it, a step wider: the relays of their order, then Timmy's. Later tries reach all.
 */
export function waysToOwner(node: NodeFile, state: AgentState, attempt: number): readonly string[] {
  const steps = [state.lists.owner?.relays ?? [], node.ownerRelays, node.timmyRelays].filter((step) => step.length > 0);
  return [...new Set(steps.slice(0, Math.max(1, attempt)).flat())].slice(0, MAX_WRITE + attempt);
}

/** Where Timmy is written to: where it reads now, and where it read when this node was born. */
export function waysToTimmy(node: NodeFile, state: AgentState): readonly string[] {
  const own = [...(state.lists.timmy?.relays ?? []), ...node.timmyRelays];
  return [...new Set(own.length > 0 ? own : node.ownerRelays)].slice(0, MAX_WRITE);
}
