import { dataDir, openDatabase } from '../../src/db/index.ts';
import { balance, WALLET } from '../../src/ledger/index.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';
import type { Daemon } from './daemon.ts';

/** Both sides of the money, as seen from outside. Amounts in msats. */
export interface Books {
  readonly verify: { readonly exitCode: number; readonly stdout: string };
  /** What the daemon's ledger says its wallet holds, and what LNbits says. */
  readonly ledgerMsats: number;
  readonly lnbitsMsats: number;
  /** Paid invoices of ours; each is one credit. */
  readonly received: readonly number[];
  /** Payouts that truly arrived. */
  readonly paidOut: readonly number[];
  /** Payouts that may still arrive. */
  readonly underWay: number;
  /** What no honest client may do: paid twice, keys in URLs, … */
  readonly violations: readonly string[];
}

/** Reads the books of the daemon, whether it runs or not, and those of the fake. */
export async function readBooks(daemon: Daemon, lnbits: FakeLnbits): Promise<Books> {
  const verify = await daemon.cli('ledger', 'verify', '--json');
  const books = lnbits.books();
  // The admin's own funding is the fake's, not a customer's.
  const received = books.incoming.filter((row) => row.paid && row.label !== null);
  const outgoing = books.outgoing;
  return {
    verify: { exitCode: verify.code, stdout: verify.stdout.trim() },
    ledgerMsats: walletBalance(daemon),
    lnbitsMsats: books.balanceMsats,
    received: received.map((row) => row.amountMsats),
    paidOut: outgoing.filter(({ truth }) => truth === 'paid').map((row) => row.amountMsats),
    underWay: outgoing.filter(({ truth }) => truth === 'pending').length,
    violations: lnbits.oracle.violations(),
  };
}

function walletBalance(daemon: Daemon): number {
  const database = openDatabase(dataDir(daemon.dataDir).databaseFile);
  try {
    return Number(balance(database.read, WALLET));
  } finally {
    database.close();
  }
}
