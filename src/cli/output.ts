import type { Cli } from './run.ts';

/** One result on stdout: as one JSON line, or in words. */
export function print(cli: Pick<Cli, 'stdout'>, json: boolean, value: unknown, words: string): void {
  cli.stdout.write(`${json ? JSON.stringify(value) : words}\n`);
}

/** Something that is no result: for the person, on stderr. */
export function say(cli: Pick<Cli, 'stderr'>, words: string): void {
  cli.stderr.write(`${words}\n`);
}

/** For commander: collects an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
