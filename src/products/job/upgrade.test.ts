import { expect, it } from 'vitest';
import { knownMigrations, migrate, openDatabase } from '../../db/index.ts';
import { unixSeconds } from '../../lib/units.ts';
import { settleWork } from '../../pricing/index.ts';
import { loadJob } from './store.ts';

it('settles a job of a database that knew no classes of tokens', () => {
  const now = unixSeconds(1_800_000_000);
  const known = knownMigrations();
  const before = known.findIndex((one) => one.tag.endsWith('_token_classes'));
  const database = openDatabase(':memory:');
  migrate(database, now, () => {}, known.slice(0, before));
  const rates = (model: string, inRate: string, outRate: string) => ({ model, inRate, outRate });
  const tariff = {
    formula: 1,
    btcPriceUsd: '100000',
    btcPriceSource: 'fallback',
    eval: rates('haiku', '0.0008', '0.004'),
    work: rates('sonnet', '0.003', '0.015'),
    marginPct: '25',
    infraMonthlyUsd: '100',
    infraMonthlyRequests: '1000',
  };
  const offer = { tariff, quote: { amountSats: 129 } };
  const usage = { inputTokens: 58, outputTokens: 120 };
  const details = { offer, earlier: [offer], verdict: { usage }, work: { usage } };
  database.read.$client
    .prepare(
      `INSERT INTO jobs (id, seq, state, owner, dialect, created_at, updated_at, details) VALUES ('J-AAAAA', 1, 'complete', ?, 'words', 5, 5, ?)`,
    )
    .run('ab'.repeat(32), JSON.stringify(details));
  migrate(database, now, () => {}, known);
  const job = loadJob(database.read, 'J-AAAAA');
  if (job?.state !== 'complete') throw new Error('no job');
  expect(settleWork(job.work.usage, job.offer.tariff, job.offer.quote.amountSats).actualAmountSats).toBe(128);
  expect(job).toMatchObject({
    offer: { tariff: { eval: { band: null }, work: { band: null } } },
    earlier: [{ tariff: { work: { inRate: '0.003', cacheWriteRate: '0.003', cacheReadRate: '0.003', band: null } } }],
    verdict: { usage: { cacheReadTokens: 0, cacheWriteTokens: 0 } },
  });
  database.close();
});
