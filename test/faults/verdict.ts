import { expect } from 'vitest';
import { balance, WALLET } from '../../src/ledger/index.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import { lastReconciliation, reconcileSoon } from '../../src/payments/index.ts';
import type { Stage } from './stage.ts';

export interface PayoutRow {
  readonly hash: string;
  readonly state: 'committed' | 'sent' | 'paid' | 'dead';
  readonly amountMsats: number;
  readonly feeMsats: number;
}

interface LnbitsRow {
  readonly payment_hash: string;
  readonly amount: number;
  readonly fee: number;
  readonly status: string;
  readonly memo: string;
}

/** Every attempt to pay somebody back, as our books have it, oldest first. */
export function payouts(stage: Stage): PayoutRow[] {
  const sql = `SELECT payment_hash AS hash, state, amount_msats AS amountMsats, coalesce(fee_msats, 0) AS feeMsats
    FROM payouts ORDER BY created_at, rowid`;
  return stage.database().read.$client.prepare(sql).all() as PayoutRow[];
}

export function stateOf(stage: Stage, hash: string): string | undefined {
  return payouts(stage).find((payout) => payout.hash === hash)?.state;
}

/** Waits until this payout has come to this end. */
export async function ends(stage: Stage, hash: string, state: PayoutRow['state'], seconds = 900): Promise<void> {
  await stage.clock
    .until(`the payout being ${state}`, () => stateOf(stage, hash) === state, seconds)
    .catch((error) => {
      throw new Error(`${String(error)}; it is ${stateOf(stage, hash) ?? 'unknown'}\n${stage.guest.heard.join('\n')}`);
    });
}

/**
 * The judgement, with LNbits' own books as the judge: every sat that came in or went out there is in ours, in both
 * the same; nothing was paid twice; and the customer was told what is true of each payout, once. No error of our own
 * is logged but `expectedErrors`.
 */
export async function expectTruth(stage: Stage, expectedErrors = /^$/): Promise<void> {
  const { fake, guest } = stage;
  fake.faults.clear();
  await stage.quiet();
  const reader = stage.database().read;
  await reconciled(stage);
  const rows = await lnbitsRows(stage);
  const held = rows.filter((row) => row.amount < 0 && row.status === 'pending');
  const ours = payouts(stage);

  expect(fake.oracle.violations()).toEqual([]);
  expect(verifyEverything(reader)).toEqual([]);
  expect(stage.errors.filter((error) => !expectedErrors.test(error))).toEqual([]);
  expect(reader.$client.prepare(`SELECT kind, error FROM tasks WHERE state = 'dead'`).all()).toEqual([]);
  expect(lastReconciliation(reader)?.drift).toBe(null);
  // Sats out are the sats that the ledger says. What LNbits holds back for open payments is still in our wallet.
  expect(fake.books().balanceMsats - held.reduce((sum, row) => sum + row.amount + row.fee, 0)).toBe(
    Number(balance(reader, WALLET)),
  );
  expect(
    ours
      .filter(({ state }) => state === 'paid')
      .map(({ hash, amountMsats, feeMsats }) => [hash, amountMsats, feeMsats]),
  ).toEqual(
    ours.flatMap(({ hash }) => {
      const row = rows.find(
        ({ payment_hash, amount, status }) => payment_hash === hash && amount < 0 && status === 'success',
      );
      return row === undefined ? [] : [[hash, 0 - row.amount, 0 - row.fee]];
    }),
  );
  for (const { hash } of ours.filter(({ state }) => state === 'dead')) {
    const row = rows.find(({ payment_hash, amount }) => payment_hash === hash && amount < 0);
    expect(row?.status ?? 'none').toMatch(/none|failed/);
    if (row !== undefined) expect(fake.node.truth(hash)).toBe('failed');
  }
  expect(received(stage)).toEqual(
    rows
      .filter((row) => row.amount > 0 && row.status === 'success' && /^Timmy [BJS]-/.test(row.memo))
      .map((row) => `${row.payment_hash} ${row.amount}`)
      .sort(),
  );

  expect(unexplainedWaits(stage)).toEqual([]);
  const told = guest.heard.filter((text) => text.startsWith('Paid out: '));
  expect(told.map(hashIn).sort()).toEqual(
    ours
      .filter(({ state }) => state === 'paid')
      .map(({ hash }) => hash)
      .sort(),
  );
  expect(guest.heard.filter((text) => text.includes('could not be sent')).length).toBe(
    ours.filter(({ state }) => state === 'dead').length,
  );
}

/** Payouts that took minutes while their customer heard nothing. */
function unexplainedWaits(stage: Stage): unknown[] {
  const sql = `SELECT payment_hash AS hash, coalesce(ended_at, ?) - created_at AS seconds FROM payouts
    WHERE told = '' AND coalesce(ended_at, ?) - created_at > 150`;
  const now = stage.clock.now();
  return stage.database().read.$client.prepare(sql).all(now, now);
}

/** Asks for a comparison of the books with the wallet, and for a second one, which would believe a gap. */
async function reconciled(stage: Stage): Promise<void> {
  for (let time = 0; time < 2; time++) {
    const before = lastReconciliation(stage.database().read)?.at ?? 0;
    await stage.clock.pass(2);
    stage.database().write((tx) => reconcileSoon(tx, stage.clock.now()));
    await stage.clock.until(
      'a comparison of books and wallet',
      () => (lastReconciliation(stage.database().read)?.at ?? 0) > before,
    );
  }
}

async function lnbitsRows({ fake }: Stage): Promise<LnbitsRow[]> {
  const headers = { 'x-api-key': fake.wallet.inkey };
  const answer = await fetch(`${fake.url}/api/v1/payments/paginated?limit=1000`, { headers });
  return ((await answer.json()) as { data: LnbitsRow[] }).data;
}

/** What we booked as received for invoices of ours. */
function received(stage: Stage): string[] {
  const sql = `SELECT payment_hash || ' ' || paid_msats FROM invoices WHERE state = 'paid' ORDER BY payment_hash`;
  return stage.database().read.$client.prepare(sql).pluck().all() as string[];
}

/** Which payment "Paid out" speaks of: by its hash, or by the preimage of it. */
function hashIn(text: string): string {
  const [, kind, hex = ''] = /(Preimage|Payment hash): ([0-9a-f]{64})/.exec(text) ?? [];
  return kind === 'Preimage' ? sha256Hex(Buffer.from(hex, 'hex')) : hex;
}
