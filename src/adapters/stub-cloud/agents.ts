import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { AGENT } from './boot.ts';

/** The child ends when its standard input does, however the parent ended. */
const END_WITH_PARENT = 'process.stdin.on("end",()=>process.exit(0)).resume()';
const MAX_LOG_BYTES = 256 * 1024;
/** Between two lives of an agent that ends by itself: doubled up to a minute. */
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 60_000;
const STOP_GRACE_MS = 2000;

interface Running {
  child: ChildProcess | null;
  waitMs: number;
  cancelRestart: () => void;
  stopped: boolean;
}

/** The agents of stub droplets, each a child process with a folder for its machine. It is started again when it ends. */
export class Agents {
  readonly #running = new Map<string, Running>();
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  get ids(): readonly string[] {
    return [...this.#running.keys()];
  }

  start(id: string, disk: string): void {
    if (this.#running.has(id)) return;
    const entry: Running = { child: null, waitMs: FIRST_WAIT_MS, cancelRestart: () => {}, stopped: false };
    this.#running.set(id, entry);
    this.#spawn(id, disk, entry);
  }

  /** Resolves when it has ended. */
  async stop(id: string): Promise<void> {
    const entry = this.#running.get(id);
    if (entry === undefined) return;
    entry.stopped = true;
    entry.cancelRestart();
    this.#running.delete(id);
    const { child } = entry;
    if (child === null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(STOP_GRACE_MS, () => child.kill('SIGKILL'));
      child.once('close', () => {
        cancel();
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.stop(id)));
  }

  #spawn(id: string, disk: string, entry: Running): void {
    const agent = join(disk, AGENT);
    if (!existsSync(agent)) return;
    // Nothing of our own environment: no key of ours is any node's business.
    const env = { PATH: process.env['PATH'] ?? '', HOME: disk, TIMMY_NODE_ROOT: disk, TIMMY_NODE_FAST: '1' };
    const child = spawn(process.execPath, [`--import=data:text/javascript,${END_WITH_PARENT}`, agent], {
      cwd: disk,
      env,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    entry.child = child;
    // Written to a child that is gone: its end is seen below.
    child.stdin.on('error', () => this.#log.debug('stub.node.stdin_closed', { droplet: id }));
    keepLog(child, join(disk, 'agent.log'));
    const startedMs = this.#clock.monotonicMs();
    let ended = false;
    const onEnd = (code: number | null): void => {
      if (ended) return;
      ended = true;
      entry.child = null;
      if (entry.stopped) return;
      this.#log.warn('stub.node.ended', { droplet: id, code });
      if (this.#clock.monotonicMs() - startedMs > LAST_WAIT_MS) entry.waitMs = FIRST_WAIT_MS;
      entry.cancelRestart = this.#clock.after(entry.waitMs, () => this.#spawn(id, disk, entry));
      entry.waitMs = Math.min(LAST_WAIT_MS, entry.waitMs * 2);
    };
    child.on('error', () => onEnd(null));
    child.on('close', onEnd);
  }
}

/** What it says of its last life, for who debugs; it holds no secrets. */
function keepLog(child: ChildProcess, path: string): void {
  let size = 0;
  writeFileSync(path, '', { mode: 0o600 });
  child.stderr?.on('data', (chunk: Buffer) => {
    if (size + chunk.length > MAX_LOG_BYTES || !existsSync(path)) return;
    size += chunk.length;
    writeFileSync(path, chunk, { flag: 'a' });
  });
}
