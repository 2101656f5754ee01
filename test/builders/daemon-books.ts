import { dataDir, openDatabase } from '../../src/db/index.ts';
import { balance, WALLET } from '../../src/ledger/index.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';
import type { Daemon } from './daemon.ts';

/** Both sides of the money, as seen from outside. Amounts in msats. */
export interface Books {
  /** Invariants of the daemon's books that do not hold. */
  readonly broken: readonly unknown[];
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

export interface VerifiedBooks extends Omit<Books, 'broken'> {
  readonly verify: { readonly exitCode: number; readonly stdout: string };
}

/** Reads the books of the daemon, whether it runs or not, and those of the fake. The daemon's are checked by its CLI. */
export async function readBooks(daemon: Daemon, lnbits: FakeLnbits): Promise<VerifiedBooks> {
  const verify = await daemon.cli('ledger', 'verify', '--json');
  const { broken: _checkedByTheCli, ...books } = lookAtBooks(daemon, lnbits);
  return { verify: { exitCode: verify.code, stdout: verify.stdout.trim() }, ...books };
}

/** The same, checked in this process, which is quicker. */
export function lookAtBooks(daemon: Daemon, lnbits: FakeLnbits): Books {
  const books = lnbits.books();
  // The admin's own funding is the fake's, not a customer's.
  const received = books.incoming.filter((row) => row.paid && row.label !== null);
  const outgoing = books.outgoing;
  return {
    ...ledgerOf(daemon),
    lnbitsMsats: books.balanceMsats,
    received: received.map((row) => row.amountMsats),
    paidOut: outgoing.filter(({ truth }) => truth === 'paid').map((row) => row.amountMsats),
    underWay: outgoing.filter(({ truth }) => truth === 'pending').length,
    violations: lnbits.oracle.violations(),
  };
}

function ledgerOf(daemon: Daemon): Pick<Books, 'broken' | 'ledgerMsats'> {
  const database = openDatabase(dataDir(daemon.dataDir).databaseFile);
  try {
    return { broken: verifyEverything(database.read), ledgerMsats: Number(balance(database.read, WALLET)) };
  } finally {
    database.close();
  }
}
