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
export { countUndelivered, enqueue, type OutgoingMessage } from './outbox.ts';
export { publishTask, sealTask, type DeliveryOptions } from './delivery.ts';
export { remakeSealTasks } from './remake.ts';
export { findReplay, type Replay } from './replay.ts';
