/** When we could not serve (down, asleep, deaf, a clock put forward), and what that adds to the deadlines of customers. */
export {
  awaySeconds,
  beginOutage,
  endAllOutages,
  endOutage,
  extendedDeadline,
  reachingBack,
  recentOutages,
  recordOutage,
  wasAway,
  type Outage,
} from './store.ts';
export type { OutageWhy } from './schema.ts';
