import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Kill } from './lives.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';
import { note } from './tally.ts';
import { expectTruth } from './verdict.ts';

export interface ScriptOptions extends Omit<StageOptions, 'kills' | 'seed'> {
  /** Errors that Timmy rightly logs. */
  readonly expectedErrors?: RegExp;
  /** Lives of their own in which it dies again and again. */
  readonly chains?: readonly (readonly Kill[])[];
}

/**
 * `FAULTS_CROSS`: which deaths each script is told with, besides once without any.
 * `one` (default): one, by rotation. `all`: one after the other, all that it can reach. `none`.
 */
const CROSS = process.env['FAULTS_CROSS'] ?? 'one';

/** Points that mean something else when they are reached again: the second post of a payout, the next look at it. */
const TWICE = /^(payout\.|invoice\.watch)/;

/**
 * Tells what happens between Timmy, its customer and LNbits: first in one life, which notes every crash point that is
 * reached; then killed at one of them (or at each). However it goes, the books agree in the end (`expectTruth`).
 */
export function script(name: string, options: ScriptOptions, play: (stage: Stage) => Promise<void>): void {
  it.concurrent(name, { timeout: CROSS === 'all' ? 3_600_000 : 180_000 }, async () => {
    const { reached } = await tell(name, options, play, []);
    const failures: string[] = [];
    const killed: Kill[] = [];
    for (const kills of [...killsOf(name, reached).map((kill) => [kill]), ...(options.chains ?? [])]) {
      try {
        killed.push(...(await tell(name, options, play, kills)).killed);
      } catch (error) {
        failures.push(`killed at ${kills.join(', ')}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    note({ script: name, kills: killed });
    expect(failures).toEqual([]);
  });
}

async function tell(
  name: string,
  { expectedErrors, ...options }: ScriptOptions,
  play: (stage: Stage) => Promise<void>,
  kills: readonly Kill[],
): Promise<Pick<Stage, 'reached' | 'killed'>> {
  const stage = await openStage({ ...options, kills, seed: name });
  try {
    await play(stage);
    await stage.restart();
    await expectTruth(stage, expectedErrors);
    // A chain may end early: nothing was left to be killed at.
    expect(stage.killed).toEqual(kills.slice(0, Math.max(1, stage.killed.length)));
    return stage;
  } finally {
    await stage.close();
  }
}

/** Each point once, and those of `TWICE` at their second time as well. */
function killsOf(name: string, reached: readonly string[]): Kill[] {
  const times = new Map<string, number>();
  // What looks after nodes is killed where nodes are sold.
  for (const point of reached.filter((one) => !one.startsWith('bootstrap.')))
    times.set(point, (times.get(point) ?? 0) + 1);
  const all = [...times].flatMap(([point, n]) => (n > 1 && TWICE.test(point) ? [point, `${point}#2`] : [point]));
  if (CROSS === 'all') return all;
  if (CROSS === 'none' || all.length === 0) return [];
  const at = createHash('sha256').update(name).digest().readUInt32BE(0) % all.length;
  return all.slice(at, at + 1);
}
