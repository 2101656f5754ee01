import { sqlList, type ProductFace } from '../../engine/index.ts';
import type { Job } from './states.ts';
import { checkJobs } from './verify.ts';

type State = Job['state'];

/** Waits for money, or is being looked at or worked on. */
const OPEN: readonly State[] = ['awaiting_eval_payment', 'evaluating', 'awaiting_work_payment', 'executing'];
const AT_WORK: readonly State[] = ['evaluating', 'executing'];

/** The job as its rows show it. */
export const jobFace: ProductFace = {
  kind: 'job',
  prefix: 'J',
  plural: 'jobs',
  table: 'jobs',
  listed: true,
  states: { open: OPEN, atWork: AT_WORK, unpaidEnds: ['expired', 'cancelled'] satisfies State[] },
  texts: [{ column: 'request_id', needed: `o.state IN ${sqlList(OPEN)}` }],
  invoiceWords: { eval: 'look', work: 'work', order: 'both' },
  // One that is paid in one is charged for its look when that is done; its one receipt comes at its end.
  receipts: { later: `o.state = 'executing' AND o.details ->> 'prepaid'` },
  checks: checkJobs,
};
