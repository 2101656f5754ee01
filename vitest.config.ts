import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Where tests have their databases: in memory, where the machine has room for them there, for most of what the suites
 * would wait for is the disk at each commit. No test pulls the plug of a machine; what a SIGKILL leaves is the same.
 */
function temporaryFolder(): string {
  const mount = existsSync('/proc/mounts')
    ? / \/dev\/shm tmpfs (\S+)/.exec(readFileSync('/proc/mounts', 'utf8'))
    : null;
  if (mount === null || /^ro\b|\bnoexec\b/.test(mount[1] ?? '')) return tmpdir();
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize >= 2 ** 31 ? '/dev/shm' : tmpdir();
}

const env = { TMPDIR: temporaryFolder() };
const base = { environment: 'node', unstubEnvs: true, env } as const;

/** A folder where every run leaves its report for scripts/tally.mjs. */
const reports = process.env['TEST_REPORTS'];

/**
 * `fast`: everything within one process, on loopback sockets and temporary files at most.
 * `e2e`: the daemon as a child, as it is built. `crash`: joined into one file, killed and restarted hundreds of times.
 * `interop`: relays and clients of others.
 * `faults`: all that LNbits can do wrong, under a clock that runs fast. `lnbits`: needs a real LNbits.
 * `node`: what runs on nodes, by the programs that run there. `bench`: prints, asserts nothing.
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
          testTimeout: 300_000,
          // A third of the work would be loading the same modules for each file; none of them keeps anything between tests.
          isolate: false,
        },
      },
      {
        test: {
          ...base,
          name: 'e2e',
          include: ['test/e2e/**/*.e2e.test.ts'],
          globalSetup: ['test/e2e/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 }, // after `fast`, which may have another number of workers
        },
      },
      {
        test: {
          ...base,
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          globalSetup: ['test/crash/one-file.ts'],
          env: { ...env, DAEMON_PROGRAM: '.cache/one-file/timmy.mjs' },
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxConcurrency: 3,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
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
