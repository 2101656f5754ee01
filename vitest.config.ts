import { defineConfig } from 'vitest/config';

const base = { environment: 'node', unstubEnvs: true } as const;

/** A folder where every run leaves its report for scripts/tally.mjs. */
const reports = process.env['TEST_REPORTS'];

/**
 * `fast`: everything within one process, on loopback sockets and temporary files at most.
 * `e2e`: the daemon as a child, killed and restarted. `interop`: relays and clients of others.
 * `faults`: all that LNbits can do wrong, under a clock that runs fast. `lnbits`: needs a real LNbits. `node`: what runs on nodes, by the programs that run there. `bench`: prints, asserts nothing.
 */
export default defineConfig({
  test: {
    ...(reports !== undefined && {
      reporters: ['default', ['json', { outputFile: `${reports}/${process.pid}.json` }]],
    }),
    projects: [
      {
        test: {
          ...base,
          name: 'fast',
          include: ['src/**/*.test.ts', 'test/{contracts,fakes,builders,house,receipts}/**/*.test.ts'],
          // Against what hangs; a busy machine takes its time.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...base,
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.test.ts', 'test/crash/**/*.test.ts'],
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxConcurrency: 3,
          maxWorkers: 2,
          sequence: { groupOrder: 1 }, // after `fast`, which may have another number of workers
        },
      },
      {
        test: {
          ...base,
          name: 'interop',
          include: ['test/interop/**/*.interop.test.ts'],
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 120_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          ...base,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/faults/tally.ts'],
          maxConcurrency: 4,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...base,
          name: 'lnbits',
          include: ['test/real/lnbits/*.test.ts'],
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          ...base,
          name: 'node',
          include: ['test/real/node/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 180_000,
          maxWorkers: 1,
        },
      },
      {
        test: {
          ...base,
          name: 'bench',
          globalSetup: ['test/e2e/build.ts'],
          include: ['bench/**/*.bench.ts'],
          testTimeout: 600_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
