import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msats, unixSeconds } from '../lib/units.ts';
import type { Wallet, WalletRow } from '../ports/wallet.ts';
import { readPage, UNREAD, type PageRead, type Progress } from './reconcile-reading.ts';

const signal = new AbortController().signal;

/** A wallet that is nothing but its list. */
function createList(): Pick<Wallet, 'changes'> & { set(hash: string, at: number): void; all(): WalletRow[] } {
  const rows = new Map<string, { row: WalletRow; change: number }>();
  let changes = 0;
  const ordered = (): WalletRow[] => [...rows.values()].sort((a, b) => b.change - a.change).map(({ row }) => row);
  return {
    set: (paymentHash, at) => {
      const row: WalletRow = {
        ...{ paymentHash, direction: 'in', state: 'paid', label: null },
        ...{ amountMsats: msats(BigInt(++changes)), feeMsats: msats(0n) },
        ...{ createdAt: unixSeconds(1), changedAt: unixSeconds(at) },
      };
      rows.set(paymentHash, { row, change: changes });
    },
    all: ordered,
    changes: async (offset, limit) => {
      const all = ordered();
      return { rows: all.slice(offset, offset + limit), isLast: all.length < offset + limit };
    },
  };
}

const versionOf = (row: WalletRow): string => `${row.paymentHash}:${row.amountMsats}`;

describe('the wallet’s list, read page by page', () => {
  it('reads a short list in one go, and then again only what is about new', async () => {
    const list = createList();
    for (let n = 0; n < 9; n++) list.set(`row ${n}`, 1000 + n * 1000);
    const whole = await readPage(list, UNREAD, signal, 10);
    expect(whole).toMatchObject({ isWhole: true, progress: { through: 8880, under: null } });
    for (let n = 9; n < 30; n++) list.set(`row ${n}`, 1000 + n * 1000);
    const first = await readPage(list, whole.progress, signal, 10);
    expect(first).toMatchObject({ isWhole: false, progress: { through: 8880, under: { top: 30_000, offset: 10 } } });
    const second = await readPage(list, first.progress, signal, 10);
    const third = await readPage(list, second.progress, signal, 10);
    // Read to the end, though not in one go: the books are compared after one more look at the top.
    expect(third).toMatchObject({ isWhole: false, progress: { through: 30_000, under: null } });
    expect(await readPage(list, third.progress, signal, 10)).toMatchObject({ isWhole: true });
    expect(new Set([first, second, third].flatMap(({ rows }) => rows.map(versionOf))).size).toBe(30);
  });

  it('a list that changed all at once is read to its end and judged all the same', async () => {
    const list = createList();
    for (let n = 0; n < 50; n++) list.set(`row ${n}`, 5000);
    let page: PageRead = { rows: [], progress: UNREAD, isWhole: false };
    let pages = 0;
    for (; !page.isWhole; pages++) page = await readPage(list, page.progress, signal, 10);
    expect(pages).toBeLessThan(8);
  });

  it('misses no change, whatever moves between two pages and two readings', async () => {
    const moves = fc.array(fc.tuple(fc.nat(25), fc.nat(90)), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fc.array(moves, { minLength: 1, maxLength: 30 }), fc.nat(1), async (steps, late) => {
        const list = createList();
        const seen = new Set<string>();
        let progress: Progress = UNREAD;
        let now = 1_000_000;
        const look = async (): Promise<boolean> => {
          const page = await readPage(list, progress, signal, 4);
          for (const row of page.rows) seen.add(versionOf(row));
          progress = page.progress;
          return page.isWhole;
        };
        for (const step of steps) {
          for (const [row, seconds] of step) {
            now += seconds;
            list.set(`row ${row}`, now - late);
          }
          await look();
        }
        while (!(await look()));
        expect(
          list
            .all()
            .map(versionOf)
            .filter((version) => !seen.has(version)),
        ).toEqual([]);
      }),
    );
  });
});
