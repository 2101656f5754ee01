import type { Clock } from '../lib/clock.ts';
import type { Log, LogFields, LogLevel } from '../lib/log.ts';

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface LogOptions {
  /** The least level that is written. */
  readonly level: LogLevel;
  readonly stream: { write(line: string): unknown };
  /** One readable line for a person at a terminal, instead of JSON. */
  readonly pretty: boolean;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Where logs end: one line each, `{"at": unix seconds, "level", "msg", …fields}`, or on a terminal the same in words.
 * A field cannot take the place of `at`, `level` or `msg`; an undefined one is left out.
 */
export function createLog({ level, stream, pretty, clock }: LogOptions): Log {
  const least = ORDER.indexOf(level);
  const at =
    (line: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      // `ready` is a promise: programs that start us wait for it, whatever the level.
      if (ORDER.indexOf(line) < least && event !== 'ready') return;
      const core = { at: clock.now(), level: line, msg: event };
      // Twice: first for its place in the line, last so that it wins.
      const text = pretty ? prettyLine(core.at, line, event, fields) : JSON.stringify({ ...core, ...fields, ...core });
      stream.write(`${text}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** `20:55:21 WARN  relay.lost relay=wss://nos.lol failures=3`. What is not a plain word is quoted: no terminal escapes. */
function prettyLine(now: number, level: LogLevel, event: string, fields: LogFields): string {
  const time = new Date(now * 1000).toISOString().slice(11, 19);
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${plain(value)}`);
  return [time, level.toUpperCase().padEnd(5), event, ...words].join(' ');
}

function plain(value: LogFields[string]): string {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return /^[\w.:/,@+-]+$/.test(text) ? text : JSON.stringify(text);
}
