import { execFile } from 'node:child_process';
import type { Log } from '../../lib/log.ts';
import type { LogSource, ServiceName } from './services.ts';

/** bitcoind may take a quarter of an hour to write what it holds (`stop_grace_period`). */
const RESTART_TIMEOUT_MS = 20 * 60_000;
const LOGS_TIMEOUT_MS = 30_000;
const MAX_LOG_BYTES = 1024 * 1024;

/** Runs a program without a shell: arguments are ours, names from a list. Null: it failed, or took too long. */
function run(program: string, args: readonly string[], timeoutMs: number, log: Log): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: timeoutMs, maxBuffer: MAX_LOG_BYTES, killSignal: 'SIGTERM' },
      (error, stdout) => {
        if (error !== null) log.warn('program.failed', { program, code: String(error.code ?? error.signal ?? '') });
        resolve(error === null ? stdout : null);
      },
    );
  });
}

/** `lightning`: what lnd-init starts is of the node as well, once it is there. */
const compose = (file: string): readonly string[] => ['compose', '-f', file, '--profile', 'lightning'];

/** Null: all of them. */
export async function restartService(file: string, service: ServiceName | null, log: Log): Promise<boolean> {
  const names = service === null ? [] : [service];
  return (await run('docker', [...compose(file), 'restart', ...names], RESTART_TIMEOUT_MS, log)) !== null;
}

/** The last `lines` of one source, as they were written. */
export function lastLines(file: string, source: LogSource, lines: number, log: Log): Promise<string | null> {
  const count = String(lines);
  return source === 'setup'
    ? run('journalctl', ['-u', 'timmy-setup', '-n', count, '-o', 'cat', '--no-pager'], LOGS_TIMEOUT_MS, log)
    : run(
        'docker',
        [...compose(file), 'logs', '--no-color', '--no-log-prefix', '--tail', count, source],
        LOGS_TIMEOUT_MS,
        log,
      );
}
