import { statement, type Reader } from '../../db/index.ts';
import { reachingBack } from '../../downtime/index.ts';
import {
  atOnce,
  balance,
  brokenRows,
  heldFor,
  type Broken,
  type Slices,
  type SqlInvariant,
} from '../../ledger/index.ts';
import type { VerifiedAt } from '../../engine/index.ts';
import { sats, toMsats, type Sats } from '../../lib/units.ts';
import { settleWork } from '../../pricing/index.ts';
import type { Job } from './states.ts';
import { loadJob } from './store.ts';

/** A full queue, each job at its slowest: so long paid work may take, and an hour more before it is called stuck. Seconds. */
const DEADLINE = 3600;
const GRACE = 3600;
const JOBS_IN_A_SLICE = 100;

/**
 * What must hold of jobs and their money: each holds what was paid for what it still has to do, and no more; what was
 * earned and owed derives again from its state, its stored tokens and its frozen tariff; every payment came to
 * something. News of an order that is on its way, or was set aside, excuses it: paid work that stands still is late.
 *
 * @param at without it, nothing is said of deadlines.
 */
export function* checkJobs(reader: Reader, at: VerifiedAt | null = null): Slices {
  const broken: Broken[] = [];
  broken.push(
    ...(yield* brokenRows(reader, CHECKS)),
    ...(yield* brokenRows(reader, LATE, 'late')),
    ...overdue(reader, at),
  );
  yield;
  const page = statement(reader, `SELECT id FROM jobs WHERE id > ? ORDER BY id LIMIT ${JOBS_IN_A_SLICE}`);
  for (let last = ''; ; yield) {
    const ids = (page.all(last) as { id: string }[]).map((row) => row.id);
    for (const id of ids) {
      const job = loadJob(reader, id);
      if (job === undefined) continue;
      try {
        broken.push(
          ...moneyOf(reader, job).map((invariant) => ({ kind: 'books' as const, invariant, row: `job ${id}` })),
        );
      } catch {
        broken.push({ kind: 'books', invariant: 'a job can be read', row: `job ${id}` });
      }
    }
    const end = ids.at(-1);
    if (end === undefined) return broken;
    last = end;
  }
}

/** `checkJobs` at one go. */
export function verifyJobs(reader: Reader, at: VerifiedAt | null = null): Broken[] {
  return atOnce(checkJobs(reader, at));
}

/**
 * News of the order `j.id` that will be delivered, or was set aside: then it is late, which is told by itself (see
 * `operator/verify-money.ts`), and its money is where it belongs until it is delivered after all.
 */
const NEWS = `SELECT 1 FROM tasks t WHERE t.kind = 'order.event' AND t.lane = 'order:job:' || j.id`;

const CHECKS: readonly SqlInvariant[] = [
  [
    'a finished job holds no money',
    `SELECT 'job ' || j.id AS row FROM jobs j JOIN accounts a ON a.id = 'job:' || j.id
     WHERE j.state IN ('complete', 'rejected', 'failed', 'expired', 'cancelled') AND a.credits <> a.debits
       AND NOT EXISTS (${NEWS})`,
  ],
  [
    'a job that waits for a payment or lapsed holds no money, unless news of it is on its way',
    `SELECT 'job ' || j.id AS row FROM jobs j JOIN accounts a ON a.id = 'job:' || j.id
     WHERE j.state IN ('awaiting_eval_payment', 'awaiting_work_payment', 'expired') AND a.credits <> a.debits
       AND NOT EXISTS (${NEWS})`,
  ],
  [
    'money that a job earned belongs to a job',
    `SELECT DISTINCT 'job ' || t.cause AS row FROM transfers t WHERE t.seq BETWEEN @from AND @to AND +t.kind IN ('earned:eval', 'earned:work') AND t.debit LIKE 'job:%'
       AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = t.cause AND t.debit = 'job:' || j.id)`,
    'transfers',
  ],
  [
    // A paid invoice is taken for the job or owed back as late; what it came to is decided by its event.
    'every payment for a job came to something',
    `SELECT 'job ' || j.id AS row FROM invoices i JOIN jobs j ON j.id = i.order_id
     WHERE i.id BETWEEN @from AND @to AND i.order_kind = 'job' AND i.state IN ('paid', 'kept')
       AND NOT EXISTS (SELECT 1 FROM json_each(j.details, '$.taken') WHERE value = i.id)
       AND NOT EXISTS (SELECT 1 FROM transfers t WHERE t.kind = 'owed:late_payment' AND t.cause = j.id || ':invoice:' || i.id
                         AND t.amount_msats = i.amount_sats * 1000)
       AND NOT EXISTS (${NEWS} AND t.payload ->> '$.event.type' = 'invoice_paid' AND t.payload ->> '$.event.invoiceId' = i.id)`,
    'invoices',
  ],
];

/** What only waits: made good by the tasks that are made again at start, or by a person (`timmy ledger mend`). */
const LATE: readonly SqlInvariant[] = [
  [
    'paid work has a task that moves it',
    `SELECT 'job ' || j.id AS row FROM jobs j WHERE j.state IN ('evaluating', 'executing')
       AND NOT EXISTS (${NEWS} AND t.payload ->> '$.event.type' IN ('activity_done', 'activity_failed'))
       AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.kind IN ('job.evaluate', 'job.execute') AND t.state <> 'dead'
                         AND t.payload ->> '$.order.id' = j.id)`,
  ],
];

function rowsOf(reader: Reader, invariant: string, sql: string, values: object): Broken[] {
  return (statement(reader, sql).all(values) as { id: string }[]).map(({ id }) => ({
    kind: 'late',
    invariant,
    row: `job ${id}`,
  }));
}

/** Paid work, and news of a payment, that waits for longer than its deadline and an hour. */
function overdue(reader: Reader, at: VerifiedAt | null): Broken[] {
  if (at === null) return [];
  const before = reachingBack(reader, at.now, DEADLINE + GRACE);
  if (at.startedAt > before) return [];
  return rowsOf(
    reader,
    'paid work ends within its deadline and an hour',
    `SELECT j.id FROM jobs j WHERE j.state IN ('evaluating', 'executing') AND j.updated_at < @before
     UNION SELECT t.payload ->> '$.order.id' FROM tasks t WHERE t.kind = 'order.event' AND t.created_at < @before
       AND t.payload ->> '$.order.kind' = 'job' AND t.payload ->> '$.event.type' = 'invoice_paid'`,
    { before },
  );
}

/** What one job's state says of its money, where the books say otherwise. */
function moneyOf(reader: Reader, job: Job): string[] {
  const broken: string[] = [];
  const { id } = job;
  const posted = (kind: string, cause: string): bigint => postedMsats(reader, kind, cause);
  const held = heldSats(job);
  if (held !== null && balance(reader, heldFor('job', id)) !== toMsats(held) && !hasNews(reader, id))
    broken.push('a job at work holds exactly what was paid for it');
  if (posted('earned:eval', id) !== toMsats(lookSats(job))) broken.push('what a look earned is its fee');

  const work = workOf(job);
  if (work === null) broken.push('what was settled derives from tokens and tariff');
  else if (posted('earned:work', id) !== toMsats(work.chargedSats))
    broken.push('what was earned derives from tokens and tariff');
  for (const [because, cause] of OWED) {
    const due = owedSats(job, because, cause) ?? sats(0);
    if (posted(`owed:${because}`, `${id}:${cause}`) !== toMsats(due))
      broken.push('what a job owes back derives from how it ended');
  }
  return broken;
}

/** What it has to hold while it is at work; null in every other state (there it holds nothing, see above). */
function heldSats(job: Job): Sats | null {
  if (job.state === 'evaluating') return sats(job.evalFeeSats + (job.prepaid ? job.offer.quote.amountSats : 0));
  return job.state === 'executing' ? job.offer.quote.amountSats : null;
}

/** The fee, once there was a look: with its verdict, or when it was cancelled while it went on. */
function lookSats(job: Job): Sats {
  const wasLookedAt = 'verdict' in job && job.verdict !== null;
  return wasLookedAt || wasDropped(job) ? job.evalFeeSats : sats(0);
}

/** Cancelled during its look: before it nothing is paid, after it there is a verdict. */
function wasDropped(job: Job): boolean {
  return job.state === 'cancelled' && job.verdict === null && job.taken.length > 0;
}

/** What its work earned by its tokens and its tariff; null where the job remembers another bill. */
function workOf(job: Job): { readonly chargedSats: Sats } | null {
  if (job.state !== 'complete') return { chargedSats: sats(0) };
  const again = settleWork(job.work.usage, job.offer.tariff, job.offer.quote.amountSats);
  const isSame = again.chargedSats === job.work.chargedSats && again.refundSats === job.work.refundSats;
  return isSame ? again : null;
}

/** Every way in which a job's end owes money back: why, and the cause after its id. */
const OWED = [
  ['change', 'change'],
  ['rejected', 'rejected'],
  ['cancelled', 'cancelled'],
  ['failed', 'eval'],
  ['failed', 'work'],
] as const;

function owedSats(job: Job, because: string, cause: string): Sats | null {
  const { amountSats } = job.offer.quote;
  const prepaidWork = job.prepaid ? amountSats : sats(0);
  switch (because) {
    case 'change':
      return job.state === 'complete' ? job.work.refundSats : null;
    case 'rejected':
      return job.state === 'rejected' ? prepaidWork : null;
    case 'cancelled':
      return wasDropped(job) ? prepaidWork : null;
    default: {
      if (job.state !== 'failed' || job.step !== cause) return null;
      return job.step === 'work' ? amountSats : sats(job.evalFeeSats + prepaidWork);
    }
  }
}

function postedMsats(reader: Reader, kind: string, cause: string): bigint {
  const row = statement(reader, 'SELECT amount_msats AS amount FROM transfers WHERE kind = ? AND cause = ?').get(
    kind,
    cause,
  ) as { amount: number } | undefined;
  return BigInt(row?.amount ?? 0);
}

function hasNews(reader: Reader, id: string): boolean {
  return statement(reader, `SELECT 1 FROM jobs j WHERE j.id = ? AND EXISTS (${NEWS})`).get(id) !== undefined;
}
