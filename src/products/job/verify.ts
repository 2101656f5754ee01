import { statement, type Reader } from '../../db/index.ts';
import type { Broken } from '../../ledger/index.ts';
import { settleWork } from '../../pricing/index.ts';
import type { Job } from './states.ts';
import { loadJob } from './store.ts';

/**
 * What must hold of jobs and their money (threats.md §2: 7, 8, 9): a finished job holds nothing; what was earned
 * derives again from its stored tokens and frozen tariff; no paid job stands still without a task that moves it.
 */
export function verifyJobs(reader: Reader): Broken[] {
  const broken: Broken[] = [];
  const held = statement(
    reader,
    `SELECT j.id FROM jobs j JOIN accounts a ON a.id = 'job:' || j.id
     WHERE j.state IN ('complete', 'rejected', 'failed', 'expired', 'cancelled') AND a.credits <> a.debits
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:job:' || j.id)`,
  ).all() as { id: string }[];
  for (const { id } of held) broken.push({ invariant: 'a finished job holds no money', row: `job ${id}` });

  const stuck = statement(
    reader,
    `SELECT j.id FROM jobs j WHERE j.state IN ('evaluating', 'executing')
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.payload ->> '$.order.id' = j.id AND t.kind IN ('order.activity', 'order.event'))`,
  ).all() as { id: string }[];
  for (const { id } of stuck) broken.push({ invariant: 'paid work has a task that moves it', row: `job ${id}` });

  for (const { id } of statement(reader, `SELECT id FROM jobs WHERE state = 'complete'`).all() as { id: string }[]) {
    const job = loadJob(reader, id);
    if (job?.state === 'complete' && !isEarnedRight(reader, job)) {
      broken.push({ invariant: 'what was earned derives from tokens and tariff', row: `job ${id}` });
    }
  }
  return broken;
}

function isEarnedRight(reader: Reader, job: Extract<Job, { state: 'complete' }>): boolean {
  const again = settleWork(job.work.usage, job.offer.tariff, job.offer.quote.amountSats);
  const row = statement(
    reader,
    `SELECT amount_msats AS amount FROM transfers WHERE kind = 'earned:work' AND cause = ?`,
  ).get(job.id) as { amount: number } | undefined;
  return (
    (row?.amount ?? 0) === again.chargedSats * 1000 &&
    again.chargedSats === job.work.chargedSats &&
    again.refundSats === job.work.refundSats
  );
}
