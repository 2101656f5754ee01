import type { Command } from 'commander';
import { createWallet } from '../app/adapters.ts';
import { dataDir, lockDataDir, readFact, type Database } from '../db/index.ts';
import type { ProductFace } from '../engine/index.ts';
import { balances } from '../ledger/index.ts';
import { withTimeout } from '../lib/clock.ts';
import { OutsideError } from '../lib/errors.ts';
import { parseShortId } from '../lib/ids.ts';
import { silentLog } from '../lib/log.ts';
import { encodeNpub } from '../nostr/keys.ts';
import { adoptConfiguredWallet, type Adoption } from '../operator/adopt-wallet.ts';
import { storyOf, type Story } from '../operator/story.ts';
import { settingsOf } from './customer/address-options.ts';
import { registerInvariants } from './invariants.ts';
import { print } from './output.ts';
import { registerReopen } from './reopen.ts';
import { showMsats, table, when, withDatabase } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

interface AdoptOptions {
  readonly surplus?: true;
  readonly stub?: true;
  readonly json?: true;
}

/** `timmy ledger`: what every account holds, the story of one order, every invariant, a change of wallet or node. */
export function registerLedger(program: Command, cli: Cli, faces: readonly ProductFace[]): void {
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
    .command('show')
    .argument('<id>', 'of an order, such as J-4KQ7M')
    .description('the story of one order’s money, from its first invoice to its change')
    .option('--json', 'one JSON object')
    .action((written: string, options: { json?: true }) =>
      withDatabase(cli, ({ read }) => {
        const id = parseShortId(written) ?? written;
        const story = storyOf(read, id, faces);
        if (story === null) throw new UsageError(`Nothing is known of ${id}.`);
        print(cli, options.json === true, storyJson(story), storyWords(story));
      }),
    );
  registerInvariants(ledger, cli, faces);
  registerReopen(ledger, cli);
  ledger
    .command('adopt-wallet')
    .description('make the configured wallet that of the books, and book the difference as yours')
    .option('--surplus', 'also what came unasked and belongs to no customer: you put it in')
    .option('--stub', 'yes, from LNbits to the stub wallet')
    .option('--json', 'one JSON object')
    .action((options: AdoptOptions) =>
      withDatabase(cli, async (database) => {
        const adoption = await adopt(cli, database, options);
        if (adoption.result === 'refused') throw new Failure(adoption.why);
        const { identity, before, balanceMsats, bookedMsats, orphaned } = adoption;
        const json = {
          wallet: identity,
          before,
          balance_msats: Number(balanceMsats),
          booked_msats: Number(bookedMsats),
          orphaned_invoices: orphaned,
        };
        print(cli, options.json === true, json, adoptionWords(adoption));
      }),
    );
}

async function adopt(cli: Cli, database: Database, options: AdoptOptions): Promise<Adoption> {
  const { clock, rng } = cli;
  // Every rule of the settings counts here: half a configuration would mean another wallet.
  const settings = settingsOf(cli);
  const wallet = createWallet({ settings, database, clock, rng, log: silentLog });
  if (
    wallet.kind === 'stub' &&
    options.stub !== true &&
    readFact(database.read, 'wallet')?.startsWith('lnbits:') === true
  ) {
    throw new Failure(
      'The books are about an LNbits wallet, and no LNBITS_URL is set here. Run this with the settings of the daemon; if you do mean the stub wallet: --stub',
    );
  }
  const limited = withTimeout(clock, 60_000);
  let unlock = (): void => {};
  const alone = (): void => {
    unlock = lockDataDir(dataDir(settings.TIMMY_DATA_DIR));
  };
  try {
    return await adoptConfiguredWallet(
      { database, wallet, clock, alone, surplus: options.surplus === true },
      limited.signal,
    );
  } catch (error) {
    if (!(error instanceof OutsideError)) throw error;
    throw new Failure(`The wallet cannot be asked (${error.message}). Nothing was changed.`);
  } finally {
    limited.done();
    unlock();
  }
}

function adoptionWords({
  identity,
  balanceMsats,
  bookedMsats,
  orphaned,
}: Extract<Adoption, { result: 'adopted' }>): string {
  const moved =
    bookedMsats === 0n
      ? 'The books agreed with it already'
      : bookedMsats > 0n
        ? `${showMsats(bookedMsats)} sats are booked as put in by you`
        : `${showMsats(-bookedMsats)} sats are booked as taken out by you`;
  const lost =
    orphaned === 0
      ? ''
      : `\n${orphaned} unpaid invoices belong to the wallet before: what is paid to them is not seen here.`;
  return `The books are about ${identity}, which holds ${showMsats(balanceMsats)} sats. ${moved}.${lost}`;
}

export function storyWords(story: Story): string {
  const head = [
    story.id,
    ...(story.state === null ? [] : [story.state.replaceAll('_', ' ')]),
    ...(story.owner === null ? [] : [encodeNpub(story.owner)]),
  ].join('  ');
  const books = story.transfers.map((row) => [
    `#${row.seq}`,
    when(row.at),
    `${showMsats(row.amountMsats)} sats`,
    `${row.debit} → ${row.credit}`,
    row.kind,
  ]);
  return [
    head,
    '',
    ...story.chapters.map(({ at, what }) => `${when(at)}  ${what}`),
    '',
    'In the books:',
    table(books),
    '',
    `Now: ${showMsats(story.heldMsats)} sats held for it, ${showMsats(story.owedMsats)} sats owed to the customer.`,
    ...(story.tasks.length === 0 ? [] : [`Still to do: ${story.tasks.join('; ')}.`]),
  ].join('\n');
}

export function storyJson(story: Story) {
  return {
    id: story.id,
    state: story.state,
    npub: story.owner === null ? null : encodeNpub(story.owner),
    story: story.chapters,
    transfers: story.transfers.map(({ amountMsats, ...row }) => ({ ...row, amount_msats: Number(amountMsats) })),
    held_msats: Number(story.heldMsats),
    owed_msats: Number(story.owedMsats),
    tasks: story.tasks,
  };
}
