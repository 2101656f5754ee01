import { Command, CommanderError } from 'commander';
import { VERSION } from '../app/version.ts';
import type { Clock } from '../lib/clock.ts';
import { ConfigError } from '../lib/errors.ts';
import type { Rng } from '../lib/rng.ts';
import type { Signer } from '../nostr/signer.ts';
import type { Relays } from '../ports/relays.ts';
import { describeTrouble } from './trouble.ts';

/** What a subcommand may touch of the world. Results go to `stdout`, everything else to `stderr`. */
export interface Cli {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Relay connections for somebody with this key (relays may ask for NIP-42 AUTH). Not yet started. */
  connect(signer: Signer): Relays;
  /** Pays an invoice of the stub wallet; resolves to what to tell, throws where there is no stub wallet. */
  readonly payStub?: (bolt11: string) => Promise<string>;
}

/** Done, and it did not work: exit code 1. The message is for the person at the terminal. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** Said already: only the exit code is left. */
export class Ended extends Error {
  override readonly name = 'Ended';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** The command was written wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function createProgram(cli: Pick<Cli, 'stdout' | 'stderr'>): Command {
  return new Command('timmy')
    .description('Sells work over Nostr direct messages, for Lightning.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .showHelpAfterError('(timmy --help lists the commands)')
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
    });
}

/**
 * Runs one command line (`argv` without interpreter and script) and resolves to its exit code:
 * 0 done, 1 failed, 2 wrong usage, 3 configuration wrong, 4 not running (`status`). Never rejects.
 */
export async function runCli(program: Command, argv: readonly string[], cli: Pick<Cli, 'stderr'>): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof Ended) return error.exitCode;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ConfigError) {
      cli.stderr.write(`The configuration is wrong:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}`);
      return 3;
    }
    if (error instanceof UsageError) {
      cli.stderr.write(`${error.message}\n`);
      return 2;
    }
    const trouble = describeTrouble(error);
    if (error instanceof Failure) cli.stderr.write(`${error.message}\n`);
    else if (trouble !== null) cli.stderr.write(`${trouble}\n`);
    else cli.stderr.write(`A bug of ours: ${error instanceof Error ? (error.stack ?? error.message) : typeof error}\n`);
    return 1;
  }
}
