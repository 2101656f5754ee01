import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Told {
  readonly script: string;
  readonly kills: readonly string[];
}

const FOLDER = 'FAULTS_TALLY';

/** Notes that a script was told to its end, for the line at the end of all. */
export function note(told: Told): void {
  const folder = process.env[FOLDER];
  if (folder !== undefined) appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(told)}\n`);
}

/** Around the whole run (vitest's `globalSetup`): counts what all its processes have told. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'timmy-tally-'));
  process.env[FOLDER] = folder;
  return () => {
    const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), 'utf8').trim().split('\n'));
    const told = lines.filter(Boolean).map((line) => JSON.parse(line) as Told);
    const kills = told.flatMap((one) => one.kills);
    const points = new Set(kills.map((kill) => kill.split('#')[0]));
    process.stdout.write(`${told.length} scripts, ${kills.length} kills at ${points.size} points\n`);
    rmSync(folder, { recursive: true });
  };
}
