import { existsSync } from 'node:fs';
import { payStubInvoice, type StubPayment } from '../adapters/stubs/wallet/index.ts';
import type { Settings } from '../config/index.ts';
import { dataDir, migrate, openDatabase } from '../db/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { systemClock } from './system.ts';

/**
 * Pays an invoice of the stub wallet in this configuration's database, from beside the daemon.
 * @throws ConfigError where LNbits is configured or there is no database.
 */
export function payStub(settings: Settings, invoice: string): StubPayment {
  if (settings.LNBITS_URL !== undefined)
    throw new ConfigError(['timmy pay pays stub invoices only, and LNBITS_URL is set: pay this one in a wallet']);
  const { databaseFile } = dataDir(settings.TIMMY_DATA_DIR);
  if (!existsSync(databaseFile))
    throw new ConfigError([`There is no database in TIMMY_DATA_DIR ${settings.TIMMY_DATA_DIR}: start timmy first`]);
  const database = openDatabase(databaseFile);
  try {
    migrate(database, systemClock.now(), () => {
      throw new ConfigError(['The database is of an older version: start timmy first']);
    });
    return database.write((tx) => payStubInvoice(tx, invoice, systemClock.now()));
  } finally {
    database.close();
  }
}

/** The same in words; throws what went wrong as an Error for the person at the terminal. */
export function describeStubPayment(payment: StubPayment): { readonly paid: boolean; readonly words: string } {
  switch (payment.result) {
    case 'paid':
      return { paid: true, words: `Paid ${payment.amountMsats / 1000n} sats (stub).` };
    case 'already_paid':
      return { paid: true, words: 'That invoice was paid before.' };
    case 'expired':
      return { paid: false, words: 'That invoice has run out. Ask Timmy for a fresh one: invoice <id>' };
    case 'unknown':
      return { paid: false, words: 'That is no invoice of the stub wallet in TIMMY_DATA_DIR.' };
    case 'invalid':
      return { paid: false, words: 'That is neither a BOLT11 invoice nor a payment hash.' };
  }
}
