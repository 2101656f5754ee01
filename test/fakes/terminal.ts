import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createProgram, runCli, type Cli } from '../../src/cli/run.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Command } from 'commander';
import type { RelayHub } from './relay-hub.ts';

export interface FakeTerminal {
  /** Runs one command line to its exit code. */
  run(...argv: string[]): Promise<number>;
  /** What has been written so far. */
  out(): string;
  err(): string;
  /** Resolves when stdout contains `words`. */
  shows(words: string): Promise<void>;
  readonly stdin: PassThrough;
}

export interface TerminalWorld {
  readonly clock: Clock;
  readonly hub: RelayHub;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly payStub?: (bolt11: string) => Promise<string>;
}

/** A command line without a process: pipes instead of a terminal, relays of a hub. */
export function createTerminal(world: TerminalWorld, register: (program: Command, cli: Cli) => void): FakeTerminal {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const written = { out: '', err: '' };
  const watchers = new Set<() => void>();
  stdout.on('data', (chunk: Buffer) => {
    written.out += chunk.toString();
    for (const watch of watchers) watch();
  });
  stderr.on('data', (chunk: Buffer) => {
    written.err += chunk.toString();
  });
  const cli: Cli = {
    clock: world.clock,
    rng: { bytes: (length) => randomBytes(length) },
    env: world.env ?? {},
    cwd: world.cwd,
    stdin: stdin as unknown as Cli['stdin'],
    stdout: stdout as unknown as Cli['stdout'],
    stderr: stderr as unknown as Cli['stderr'],
    connect: () => world.hub.connect(),
    ...(world.payStub !== undefined && { payStub: world.payStub }),
  };
  return {
    stdin,
    out: () => written.out,
    err: () => written.err,
    async run(...argv) {
      const program = createProgram(cli);
      register(program, cli);
      return runCli(program, argv, cli);
    },
    shows: (words) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (!written.out.includes(words)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
  };
}
