import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ReadUserData } from './user-data.ts';

export interface RealNode {
  /** The folder that is its machine. */
  readonly root: string;
  /** What its agent said on its standard error so far. */
  said(): string;
  /** Ends it, and its machine. */
  stop(): Promise<void>;
}

/** Runs the agent that this user_data brings, in a folder that stands for the machine. */
export function bootRealNode({ files }: ReadUserData, env: Readonly<Record<string, string>> = {}): RealNode {
  const root = mkdtempSync(join(tmpdir(), 'timmy-node-'));
  for (const [path, { text, mode }] of files) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text, { mode: parseInt(mode, 8) });
  }
  const child = spawn(process.execPath, [join(root, 'opt/timmy/agent.cjs')], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', TIMMY_NODE_ROOT: root, TIMMY_NODE_FAST: '1', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    root,
    said: () => said,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(root, { recursive: true, force: true });
    },
  };
}
