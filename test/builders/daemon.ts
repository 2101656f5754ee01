import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { generateSecretKey, getPublicKey } from 'nostr-tools/pure';

/** One line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a run of the daemon ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const READY_WITHIN_MS = 30_000;
/** It promises to end within 10 s of a SIGTERM. */
const STOPPED_WITHIN_MS = 10_000;
const ROOT = new URL('../..', import.meta.url).pathname;
/** As it is built, or joined into one file that starts quicker (`test/crash/one-file.ts`). */
const PROGRAM = join(ROOT, process.env['DAEMON_PROGRAM'] ?? 'bin/timmy');

/**
 * Timmy as a child process, on a data directory and with a key that outlive each run of it. What it may know comes
 * from `settings` alone: nothing of this process's environment but PATH and HOME.
 */
export class Daemon {
  readonly secretKey = generateSecretKey();
  readonly publicKey = getPublicKey(this.secretKey);
  readonly dataDir = mkdtempSync(join(tmpdir(), 'timmy-e2e-'));
  /** Of all runs, oldest first. */
  readonly log: LogLine[] = [];
  /** What was no JSON line: stderr of all runs. */
  stderr = '';
  readonly #settings: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #ended: Promise<Ending> = Promise.resolve({ code: null, signal: null });

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings;
  }

  /** Starts it and resolves when it is subscribed, with its `ready` line; null when it was killed before that. */
  async start(extra: Readonly<Record<string, string>> = {}): Promise<LogLine | null> {
    if (this.#child !== null) throw new Error('the daemon runs already');
    const child = spawn(process.execPath, [PROGRAM, 'start'], {
      env: { ...this.#environment(), ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += String(chunk)));
    // `close`, not `exit`: then its last lines have been read.
    this.#ended = once(child, 'close').then((how) => {
      this.#child = null;
      const [code, signal] = how as [number | null, NodeJS.Signals | null];
      return { code, signal };
    });
    const ready = this.#lineOf(child, 'ready');
    const first = await withinMs(READY_WITHIN_MS, 'the daemon to be ready', Promise.race([ready, this.#ended]));
    if ('msg' in first) return first;
    if (first.signal === 'SIGKILL') return null;
    throw new Error(`the daemon ended (${first.code ?? first.signal}) before it was ready: ${this.#story()}`);
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Its process id while it runs, for reading /proc. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when this run ends, however it does. */
  ended(): Promise<Ending> {
    return this.#ended;
  }

  async kill9(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM. @throws when it does not exit 0 within ten seconds. */
  async stop(): Promise<void> {
    if (this.#child === null) return;
    this.#child.kill('SIGTERM');
    const { code, signal } = await withinMs(STOPPED_WITHIN_MS, 'the daemon to stop', this.#ended);
    if (code !== 0) throw new Error(`SIGTERM ended it with ${code ?? signal}: ${this.#story()}`);
  }

  /** `timmy …` on the same settings, beside the daemon or without it. */
  cli(...words: readonly string[]): Promise<CliResult> {
    return new Promise((resolve) => {
      const options = { env: this.#environment() };
      execFile(process.execPath, [PROGRAM, ...words], options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
      });
    });
  }

  /** Ends it whatever happens and removes its data. */
  async destroy(): Promise<void> {
    await this.kill9();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  #environment(): Record<string, string> {
    const { PATH = '', HOME = '' } = process.env;
    return {
      PATH,
      HOME,
      TIMMY_NOSTR_NSEC: Buffer.from(this.secretKey).toString('hex'),
      TIMMY_DATA_DIR: this.dataDir,
      TIMMY_ALLOW_PRIVATE_NETWORK: '1',
      ...this.#settings,
    };
  }

  #lineOf(child: ChildProcess, msg: string): Promise<LogLine> {
    return new Promise((resolve) => {
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as LogLine;
        this.log.push(line);
        if (line.msg === msg) resolve(line);
      });
    });
  }

  #story(): string {
    const last = this.log.slice(-5).map((line) => JSON.stringify(line));
    return [...last, this.stderr.slice(-2000)].join('\n');
  }
}

/** @throws when `promise` takes longer: a test that waits for ever says nothing. */
export async function withinMs<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
