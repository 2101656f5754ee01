/** Messages in, each once; messages out, until they are delivered. */
export {
  createInbox,
  highWater,
  loadInbound,
  noteDialect,
  raiseHighWater,
  type InboundMessage,
  type Inbox,
} from './inbox.ts';
export { beginRelayStates, noteRelayState } from './relay-states.ts';
export { countUndelivered, enqueue, type OutgoingMessage } from './outbox.ts';
export { publishTask, sealTask, type DeliveryOptions } from './delivery.ts';
export { findReplay, type Replay } from './replay.ts';
