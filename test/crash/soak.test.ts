import { expect, test } from 'vitest';
import { countTasks } from '../../src/tasks/index.ts';
import { dataDir, openDatabase } from '../../src/db/index.ts';
import { readBooks } from '../builders/daemon-books.ts';
import type { Ear } from '../builders/daemon-chat.ts';
import { openCustomer, type Customer } from '../builders/daemon-customer.ts';
import { openOutside } from '../builders/daemon-outside.ts';
import { openAddressedCustomer, type AddressedCustomer } from '../builders/daemon-purchase-auto.ts';
import type { Daemon } from '../builders/daemon.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';
import { buyByProgram, buyInWords, type Bought, type Buyer } from './soak-customers.ts';
import { seeded, type Chance } from './seeded.ts';
import { FUNDS } from './verdict.ts';

/** `CRASH_KILLS`: how often; `CRASH_ALL=1`: 200 times. By default a short soak, for every run of the suite. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? (process.env['CRASH_ALL'] === '1' ? 200 : 8));
const SEED = Number(process.env['CRASH_SEED'] ?? 1);
/** A purchase takes several lives, and what died is tried again after a while. */
const PATIENCE_MS = 120_000;
/** A kill falls this long after a life was begun (some before it is ready), or this long after it is ready. */
const EARLY_MS = 1000;
const LATE_MS = 1500;

/** Nobody here is to be stopped by a limit. */
const NO_LIMITS = Object.fromEntries(
  ['LIMIT_NEW_PER_HOUR', 'LIMIT_COMMANDS_BURST', 'LIMIT_UNPAID_ANSWERS_PER_MINUTE'].map((name) => [name, '1000000']),
);

/** Who buys how, twice each, once with a Lightning address in their profile: in words, as a program, both by turns. */
const TASTES: readonly (readonly Buyer[])[] = [[buyInWords], [buyByProgram], [buyInWords, buyByProgram]];

test(
  `killed ${KILLS} times at any moment, six customers buying on one database: all books agree`,
  async () => {
    const outside = await openOutside();
    const { lnbits, relays } = outside;
    const daemon = outside.daemon({ ...NO_LIMITS, REFUND_DAILY_SATS: '1000000000' });
    const options = { patienceMs: PATIENCE_MS };
    const customers: (Customer | AddressedCustomer)[] = [];
    for (const _taste of TASTES) {
      customers.push(await openCustomer(relays, daemon.publicKey, options));
      customers.push(await openAddressedCustomer(relays, daemon.publicKey, lnbits, options));
    }
    const started = performance.now();
    try {
      // What was written before the first start of a data directory is not run.
      await daemon.start();
      await daemon.kill9();
      let isOver = false;
      const keepBuying = async (
        customer: Customer | AddressedCustomer,
        tastes: readonly Buyer[],
      ): Promise<Bought[]> => {
        const bought: Bought[] = [];
        while (!isOver) {
          const buy = tastes[bought.length % tastes.length] ?? buyInWords;
          const request = `Why is the sky blue? Answer in one sentence. (${bought.length})`;
          bought.push(await buy(customer, lnbits, request, 'lnurl' in customer));
        }
        return bought;
      };
      const buying = Promise.all(customers.map((one, index) => keepBuying(one, TASTES[index >> 1] ?? [])));
      buying.catch(() => undefined);

      const early = await killOften(daemon, KILLS, seeded(SEED), buying);
      await daemon.start();
      isOver = true;
      const all = await buying;
      await daemon.stop();

      const bought = all.flat();
      await expectBooksAgree(daemon, lnbits, bought);
      expect(tasksSetAside(daemon)).toBe(0);
      customers.forEach(({ ear }, index) => expectSaidOnce(ear, all[index] ?? []));
      const failed = bought.filter((one) => one.paid.at(-1) === one.back).length;
      const heard = sum(customers.map(({ ear }) => ear.messages.length));
      const seconds = Math.round((performance.now() - started) / 1000);
      process.stdout.write(
        `soak: ${KILLS} kills (${early} before it was ready), ${bought.length} purchases (${failed} failed: two deaths in ` +
          `one model call), ${heard} messages heard, ${seconds} s, seed ${SEED}\n`,
      );
    } finally {
      await Promise.all(customers.map((one) => one.close()));
      await outside.close();
    }
  },
  2 * PATIENCE_MS + KILLS * 10_000,
);

/** All that was paid is a credit, all that came back one payout, and both books say so to the msat. */
async function expectBooksAgree(daemon: Daemon, lnbits: FakeLnbits, bought: readonly Bought[]): Promise<void> {
  const paid = bought.flatMap((one) => one.paid).map((sats) => sats * 1000);
  const back = bought.map((one) => one.back * 1000).filter((msats) => msats > 0);
  const totalMsats = FUNDS + sum(paid) - sum(back);
  const { received, paidOut, ...books } = await readBooks(daemon, lnbits);
  expect(books).toEqual({
    verify: { exitCode: 0, stdout: '{"ok":true,"broken":[],"late":[]}' },
    ledgerMsats: totalMsats,
    lnbitsMsats: totalMsats,
    underWay: 0,
    violations: [],
  });
  expect(received.toSorted(byValue)).toEqual(paid.toSorted(byValue));
  expect(paidOut.toSorted(byValue)).toEqual(back.toSorted(byValue));
}

/** Nothing was said twice, nothing sealed twice, and there are no other jobs than those that were bought. */
function expectSaidOnce({ messages, wraps }: Ear, bought: readonly Bought[]): void {
  const texts = messages.map(({ text }) => text);
  // Each text has an id or an invoice in it: heard twice, it was said twice.
  expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
  expect(wraps.size).toBe(texts.length);
  const jobs = texts.flatMap((text) => /J-\w{5}/.exec(text)?.[0] ?? []);
  expect(new Set(jobs)).toEqual(new Set(bought.map(({ id }) => id)));
}

/** As many lives, each ended by SIGKILL at some moment. @returns how many ended before they were ready. */
async function killOften(daemon: Daemon, kills: number, chance: Chance, buying: Promise<unknown>): Promise<number> {
  // Customers only end before their time when something is wrong: then there is no need to go on.
  let isBroken = false;
  buying.catch(() => (isBroken = true));
  let early = 0;
  for (let kill = 0; kill < kills && !isBroken; kill += 1) {
    let isReady = false;
    const starting = daemon.start().then((ready) => (isReady = ready !== null));
    if (chance.next() < 0.75) await starting;
    await new Promise((resolve) => setTimeout(resolve, chance.next() * (isReady ? LATE_MS : EARLY_MS)));
    if (!isReady) early += 1;
    await daemon.kill9();
    await starting;
  }
  return early;
}

function tasksSetAside(daemon: Daemon): number {
  const database = openDatabase(dataDir(daemon.dataDir).databaseFile);
  try {
    return countTasks(database.read).dead;
  } finally {
    database.close();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function byValue(a: number, b: number): number {
  return a - b;
}
