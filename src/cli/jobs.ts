import type { Command } from 'commander';
import { encodeNpub } from '../nostr/keys.ts';
import { debtsOf, invoicesOf } from '../payments/index.ts';
import { recentJobs } from '../products/job/index.ts';
import { print } from './output.ts';
import { limitOf, table, when, withDatabase } from './reading.ts';
import type { Cli } from './run.ts';

const LIMIT = 50;

/** `timmy jobs`: the newest jobs and their money. Texts are sealed with Timmy's key and are not shown. */
export function registerJobs(program: Command, cli: Cli): void {
  program
    .command('jobs')
    .description('the newest jobs')
    .option('--limit <n>', 'how many', String(LIMIT))
    .option('--json', 'one JSON object')
    .action((options: { limit: string; json?: true }) => {
      const limit = limitOf(options.limit);
      return withDatabase(cli, ({ read }) => {
        const jobs = recentJobs(read, limit).map((job) => ({
          id: job.id,
          state: job.state,
          npub: encodeNpub(job.owner),
          dialect: job.dialect,
          created_at: job.createdAt,
          updated_at: job.updatedAt,
          paid_sats: invoicesOf(read, job.id).reduce(
            (sum, invoice) => sum + Math.floor((invoice.paidMsats ?? 0) / 1000),
            0,
          ),
          owed_sats: debtsOf(read, job.id)
            .filter((debt) => debt.state === 'owed' || debt.state === 'paying')
            .reduce((sum, debt) => sum + Math.floor(debt.amountMsats / 1000), 0),
        }));
        const rows = jobs.map((job) => [
          job.id,
          job.state,
          when(job.created_at),
          `${job.paid_sats} paid`,
          `${job.owed_sats} owed`,
          job.npub,
        ]);
        print(cli, options.json === true, { jobs }, rows.length === 0 ? 'No jobs yet.' : table(rows));
      });
    });
}
