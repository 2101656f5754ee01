/** Messages out: sealed once, sent relay by relay, until the reader can have them. product.md: Delivery. */
export { createPublisher, type Publisher, type PublisherOptions } from './publisher.ts';
export { onReaderHeard, routeTask } from './route.ts';
export { createSealSecret, type SealSecret } from './secret.ts';
export { sealTask, workTask, type DeliveryOptions } from './seal.ts';
export { noteAlerted, putBackOffers, waitingAnswers, type StuckAnswer, type WaitingAnswers } from './waiting.ts';
