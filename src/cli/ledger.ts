import type { Command } from 'commander';
import { readFact, type Database } from '../db/index.ts';
import { balances, transfersOf } from '../ledger/index.ts';
import { parseShortId } from '../lib/ids.ts';
import { verifyEverything } from '../operator/verify.ts';
import { print } from './output.ts';
import { showMsats, table, when, withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

/** `timmy ledger`: what every account holds, the story of one object, and whether every invariant holds. */
export function registerLedger(program: Command, cli: Cli): void {
  const ledger = program.command('ledger').description('the books');
  ledger
    .command('balances', { isDefault: true })
    .description('what every account stands at, in sats')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, (database) => {
        const rows = balances(database.read);
        const json = {
          wallet: readFact(database.read, 'wallet'),
          accounts: rows.map((row) => ({
            account: row.account,
            kind: row.kind,
            balance_msats: Number(row.balanceMsats),
          })),
        };
        const words =
          rows.length === 0
            ? 'The books are empty.'
            : table(rows.map((row) => [row.account, row.kind, `${showMsats(row.balanceMsats)} sats`]));
        print(cli, options.json === true, json, words);
      }),
    );
  ledger
    .command('show <id>')
    .description('every transfer that touched one order')
    .option('--json', 'one JSON object')
    .action((id: string, options: { json?: true }) =>
      withDatabase(cli, (database) => show(cli, database, id, options.json === true)),
    );
  ledger
    .command('verify')
    .description('check every invariant; exit 1 with the rows that break one')
    .option('--json', 'one JSON object')
    .action((options: { json?: true }) =>
      withDatabase(cli, (database) => {
        const broken = verifyEverything(database.read);
        const words =
          broken.length === 0
            ? 'Every invariant holds.'
            : broken.map((one) => `BROKEN: ${one.invariant}: ${one.row}`).join('\n');
        print(cli, options.json === true, { ok: broken.length === 0, broken }, words);
        if (broken.length > 0) throw new Failure(`${broken.length} invariants are broken.`);
      }),
    );
}

function show(cli: Cli, database: Database, written: string, json: boolean): void {
  const id = parseShortId(written) ?? written;
  const rows = transfersOf(database.read, id);
  if (rows.length === 0) throw new UsageError(`No transfer touched ${id}.`);
  const lines = rows.map((row) => [
    String(row.seq),
    when(row.at),
    row.kind,
    `${row.debit} → ${row.credit}`,
    `${showMsats(row.amountMsats)} sats`,
  ]);
  const value = rows.map(({ amountMsats, ...row }) => ({ ...row, amount_msats: Number(amountMsats) }));
  print(cli, json, { id, transfers: value }, table(lines));
}
