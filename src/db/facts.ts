import { statement, type Reader, type Tx } from './database.ts';

/** The facts a database knows about itself. */
export type FactName =
  | 'born_at'
  | 'started_at'
  | 'last_alive'
  | 'identity'
  | 'agent'
  | 'cloud'
  | 'wallet'
  | 'wallet_read'
  | 'wallet_trouble'
  | 'wallet_keyless'
  | 'payee'
  | 'wrong_invoice'
  | 'books_broken'
  | 'books_short'
  | 'wallet_short'
  | 'late_told'
  | 'disk_low'
  | 'alerts_held'
  | 'drift_told'
  | 'model_trouble'
  | 'model_budget_told'
  | 'demo_purse_told'
  | 'profile_published_at'
  | 'cloud_word'
  | 'cloud_account'
  | 'texts_sealed';

export function readFact(reader: Reader, name: FactName): string | null {
  const row = statement(reader, 'SELECT value FROM facts WHERE name = ?').get(name) as { value: string } | undefined;
  return row?.value ?? null;
}

export function keepFact(tx: Tx, name: FactName, value: string): void {
  statement(
    tx,
    'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  ).run(name, value);
}

export function dropFact(tx: Tx, name: FactName): void {
  statement(tx, 'DELETE FROM facts WHERE name = ?').run(name);
}
