import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openOutside, type Outside } from '../test/builders/daemon-outside.ts';
import type { Daemon } from '../test/builders/daemon.ts';
import { startFakeRelay } from '../test/fakes/relay.ts';
import { ATTACKERS, type Attacker, type Field } from './siege/attackers.ts';
import { twentyPurchases, type Waits } from './siege/honest.ts';
import { lapsedInvoices } from './siege/lapsed.ts';

/** `SIEGE=S1,S5 npm run bench -- siege`: these attackers only. */
const ONLY = process.env['SIEGE']?.split(',');

interface Row {
  readonly attacker: Attacker;
  readonly waits: Waits;
  readonly cpuPercent: number;
  readonly rssMb: number;
  readonly storedMb: number;
  readonly calls: number;
  readonly looksPerSecond: number;
  readonly sats: number;
}

/**
 * Twenty honest customers beside each attacker in turn, each on a Timmy of its own, on this one machine. Prints what
 * the honest waited for and what the attack cost; asserts only that it was all told.
 */
test('twenty honest customers beside each attacker', { timeout: 1_800_000 }, async () => {
  const rows: Row[] = [];
  for (const attacker of ATTACKERS) {
    if (ONLY !== undefined && !ONLY.includes(attacker.kind) && attacker.kind !== '–') continue;
    const row = await besiege(attacker);
    rows.push(row);
    console.log(lineOf(row));
  }
  console.log(['', HEAD, ...rows.map(lineOf)].join('\n'));
  expect(rows.length).toBeGreaterThan(0);
});

async function besiege(attacker: Attacker): Promise<Row> {
  const home = await startFakeRelay();
  const outside = await openOutside([home.url]);
  const daemon = outside.daemon({
    TEXT_JOIN_SECONDS: '0',
    TIMMY_LOG_LEVEL: 'info',
    LIMIT_COMMANDS_BURST: '10',
    ...attacker.settings,
  });
  await daemon.start();
  if (attacker.kind === 'S7') await withLapsed(daemon, outside);
  const { lnbits, relays } = outside;
  const field: Field = { home, lnbits, relays, timmy: daemon.publicKey };
  await attacker.prepare?.(field);
  const before = costs(daemon, lnbits.requests.length);
  const stop = new AbortController();
  const attack = attacker.attack(field, stop.signal);
  const waits = await twentyPurchases(field);
  stop.abort();
  const sats = await attack;
  const after = costs(daemon, lnbits.requests.length);
  const seconds = (after.at - before.at) / 1000;
  const { rssMb } = after;
  await outside.close();
  await home.close();
  return {
    attacker,
    waits,
    cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100,
    rssMb,
    storedMb: after.storedMb - before.storedMb,
    calls: after.calls - before.calls,
    looksPerSecond: (after.calls - before.calls) / seconds,
    sats,
  };
}

/** Stopped, given its past, started again without the wallet's pushes. */
async function withLapsed(daemon: Daemon, { lnbits }: Outside): Promise<void> {
  await daemon.stop();
  await lapsedInvoices(daemon, lnbits, 5000);
  await daemon.start();
  lnbits.push.drop();
}

interface Costs {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
  readonly storedMb: number;
  readonly calls: number;
}

/** Of the daemon, from /proc and its data directory. */
function costs(daemon: Daemon, calls: number): Costs {
  const stat = readFileSync(`/proc/${daemon.pid}/stat`, 'utf8');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const stored = ['timmy.db', 'timmy.db-wal'].map((file) => statSync(join(daemon.dataDir, file)).size);
  return {
    at: performance.now(),
    cpuSeconds: (user + system) / 100,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    storedMb: stored.reduce((sum, size) => sum + size, 0) / 1e6,
    calls,
  };
}

const HEAD = [
  '| attacker | answer | invoice | payment seen | change paid | lost | CPU | RSS | stored | LNbits calls | sats |',
  '|---|---|---|---|---|---|---|---|---|---|---|',
].join('\n');

/** Waits as p50/p95 in milliseconds. */
function lineOf(row: Row): string {
  const { attacker, waits } = row;
  const cells = [
    `${attacker.kind} ${attacker.what}`,
    ...[waits.answer, waits.invoice, waits.seen, waits.change].map(percentiles),
    `${waits.lost.length}`,
    `${Math.round(row.cpuPercent)} %`,
    `${Math.round(row.rssMb)} MB`,
    `${row.storedMb.toFixed(1)} MB`,
    `${row.calls} (${row.looksPerSecond.toFixed(1)}/s)`,
    `${row.sats}`,
  ];
  const lost = waits.lost.slice(0, 3).map((line) => `\n    ${line.split('\n')[0]}`);
  return `| ${cells.join(' | ')} |${lost.join('')}`;
}

function percentiles(waits: readonly number[]): string {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number): string => String(Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN));
  return `${at(0.5)}/${at(0.95)}`;
}
