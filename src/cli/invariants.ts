import type { Command } from 'commander';
import { readFact } from '../db/index.ts';
import type { ProductFace } from '../engine/index.ts';
import type { Broken, BrokenKind } from '../ledger/index.ts';
import { mend, type Mending } from '../operator/mend.ts';
import { lastSignOfLife, verifyEverything } from '../operator/verify.ts';
import { closures } from '../payments/index.ts';
import { print } from './output.ts';
import { when, withDatabase } from './reading.ts';
import { Failure, type Cli } from './run.ts';

interface Options {
  readonly json?: true;
}

/** `timmy ledger verify | explain | mend`: whether the books add up, what it means where not, and the lawful way out. */
export function registerInvariants(ledger: Command, cli: Cli, faces: readonly ProductFace[]): void {
  ledger
    .command('verify')
    .description('check every invariant; exit 1 with the rows that break one (what is only late is listed apart)')
    .option('--json', 'one JSON object')
    .action((options: Options) =>
      withDatabase(cli, ({ read }) => {
        const found = verifyEverything(read, lastSignOfLife(read), faces);
        const late = found.filter(({ kind }) => kind === 'late');
        const broken = found.filter(({ kind }) => kind !== 'late');
        const words = [
          ...(broken.length === 0 ? ['Every invariant holds.'] : broken.map((one) => `BROKEN: ${line(one)}`)),
          ...(late.length === 0 ? [] : ['', 'Late, which stops no money (timmy ledger explain):']),
          ...late.map((one) => `  ${line(one)}`),
        ];
        print(cli, options.json === true, { ok: broken.length === 0, broken, late }, words.join('\n'));
        if (broken.length > 0) throw new Failure(`${broken.length} invariants are broken.`);
      }),
    );
  ledger
    .command('explain')
    .description('what keeps sales or payments stopped, since when, and what to do')
    .option('--json', 'one JSON object')
    .action((options: Options) =>
      withDatabase(cli, ({ read }) => {
        const found = verifyEverything(read, lastSignOfLife(read), faces);
        const closed = closures(read);
        const since = sinceOf(readFact(read, 'books_broken') ?? readFact(read, 'books_short'));
        const words = [
          ...(closed.length === 0
            ? ['Sales and payments go on.']
            : closed.map(({ words, stops }) => `${STOPS[stops]}: ${words}`)),
          ...(since === null
            ? []
            : [
                `Seen first ${when(since)}. It ends by itself at the first look that finds it right (every ten minutes, at start, timmy ledger mend).`,
              ]),
          ...KINDS.flatMap((kind) => paragraph(kind, found)),
        ];
        print(cli, options.json === true, { closed, since, found }, words.join('\n'));
      }),
    );
  ledger
    .command('mend')
    .description('look at the books anew, try again what was set aside, and open where they add up')
    .requiredOption('--reason <text>', 'why, in your words: it is kept')
    .option('--json', 'one JSON object')
    .action((options: Options & { readonly reason: string }) =>
      withDatabase(cli, (database) => {
        const mending = mend(database, cli.clock, options.reason, faces);
        const { broken, retried, isOpened, stillClosed } = mending;
        const json = { broken, retried, opened: isOpened, still_closed: stillClosed };
        print(cli, options.json === true, json, inWords(mending));
        if (broken.length > 0)
          throw new Failure('What does not add up is not mended by a command. See: timmy ledger explain');
      }),
    );
}

const STOPS = { all: 'Sales and payments are stopped', sales: 'Sales are stopped, refunds go on' } as const;
const KINDS: readonly BrokenKind[] = ['books', 'short', 'late'];

const COUNSEL: Readonly<Record<BrokenKind, string>> = {
  books:
    'Sums that do not add up. Nothing is sold or paid until they do; what was paid for is still delivered. Keep a copy of the data directory, look at each order (timmy ledger show ID), and report it: it is a bug of ours, or somebody edited the database.',
  short:
    'The books add up, and customers are owed more than the wallet holds. Put the difference into it, then: timmy ledger adopt-wallet --surplus.',
  late: 'Late, and no money is stopped by it. Missing tasks are made again when Timmy starts; what was set aside is tried again by: timmy ledger mend --reason "…".',
};

function paragraph(kind: BrokenKind, found: readonly Broken[]): string[] {
  const rows = found.filter((one) => one.kind === kind);
  return rows.length === 0 ? [] : ['', COUNSEL[kind], ...rows.map((one) => `  ${line(one)}`)];
}

function line({ invariant, row }: Broken): string {
  return `${invariant}: ${row}`;
}

function sinceOf(fact: string | null): number | null {
  return fact === null ? null : Number(fact);
}

function inWords({ broken, retried, isOpened, stillClosed }: Mending): string {
  const looked =
    broken.length > 0
      ? broken.map((one) => `BROKEN: ${line(one)}`)
      : [isOpened ? 'The books add up: sales and payments go on.' : 'The books add up.'];
  const tried = retried === 0 ? [] : [`${retried} that were set aside are tried again.`];
  return [...looked, ...tried, ...stillClosed].join('\n');
}
