/**
 * Logs are an allow-list, not a scrubbed stream: an event name (`noun.verb`) and typed fields. There is no way
 * to log a message text, a key or a foreign error object by accident, for no field takes one.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogField = string | number | boolean | null | readonly string[];

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** Ids, states, amounts, durations and codes of ours. Never text, bolt11, preimages, keys, URLs with a query, foreign messages. */
export type LogFields = Readonly<Record<string, LogField | undefined>>;

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What may be said of an unexpected error: its class, our own code, and where in our own code it rose. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const frame = error.stack?.split('\n').find((line) => /\/(src|dist)\//.test(line));
  const where = frame === undefined ? undefined : /(?:src|dist)\/[\w./-]+:\d+/.exec(frame)?.[0];
  const code = (error as { code?: unknown }).code;
  return {
    error: error.name,
    code: error.name === 'OutsideError' ? error.message : typeof code === 'string' ? code : undefined,
    where,
  };
}
