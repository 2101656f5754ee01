import { withinMs, type Daemon } from './daemon.ts';

/**
 * Starts the daemon for as many lives as it takes: each of `points` (`TIMMY_CRASH_AT`: `name`, or `name#n` for the n-th
 * time within that life) kills one, the last one is left alone. Resolves when the first is ready, or dead already.
 *
 * @returns waits until all have died as they should and the last one is ready.
 */
export async function startDoomed(daemon: Daemon, points: readonly string[]): Promise<() => Promise<void>> {
  const begin = (life: number): Promise<unknown> => {
    const point = points[life];
    return daemon.start(point === undefined ? {} : { TIMMY_CRASH_AT: point });
  };
  await begin(0);
  const lives = (async (): Promise<void> => {
    for (const [life, point] of points.entries()) {
      const { code, signal } = await daemon.ended();
      if (signal !== 'SIGKILL') throw new Error(`not killed at ${point}: it ended with ${code ?? signal}`);
      await begin(life + 1);
    }
  })();
  lives.catch(() => undefined);
  return () => withinMs(15_000, `the kill at ${points.join(', then at ')}`, lives);
}
