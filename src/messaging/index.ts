/** Messages in, each once; messages out, until they are delivered. */
export { judgeAnswer } from './answer-gate.ts';
export { createAdmission, type AdmissionOptions, type Shed } from './admission.ts';
export { tooLargeTask } from './fit.ts';
export { loadInbound, noteDialect, type InboundMessage } from './inbound.ts';
export { createInbox, highWater, raiseHighWater, type Inbox } from './inbox.ts';
export { beginRelayStates, noteRelayState, relayStates, type RelayStateRow } from './relay-states.ts';
export { isOwnWords, isSaidAgain } from './echoes.ts';
export { countUndelivered, enqueue, type OutgoingMessage } from './outbox.ts';
export * from './publishing/index.ts';
export { remakeSealTasks } from './remake.ts';
export { findReplay, SENT_ONCE, type Replay } from './replay.ts';
export { textsOfNoMessage, textsUnderWay } from './under-way.ts';
