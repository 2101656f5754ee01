import type { z } from 'zod';

/**
 * One setting: how its text is read, and what an operator has to know of it. Every source (environment, systemd
 * credential, TOML) is turned into text first, so that a value means the same wherever it is written.
 */
export interface Setting<T> {
  /** Text → value. Its error messages are never shown (they may quote the value); `expected` is. */
  readonly schema: z.ZodType<T, string>;
  /** What a good value looks like, to follow the words "must be". */
  readonly expected: string;
  /** One line, for `config/timmy.toml` and the documentation. */
  readonly about: string;
  readonly unit?: string;
  /** The default as one would write it; absent when there is none, or when it follows from other settings. */
  readonly defaultText?: string;
  /** The value where nothing is set. */
  readonly absent: T;
  readonly form: 'number' | 'text' | 'list' | 'flag' | 'path' | 'secret';
  /** Other environment variables that are read when this one is not set. */
  readonly aliases?: readonly string[];
  /** Name under `$CREDENTIALS_DIRECTORY` (systemd `LoadCredential=`). */
  readonly credential?: string;
  /** The setting that names a file whose content is the value. */
  readonly fileSetting?: string;
  /** Makes no sense in the file: what starts a process, not what it does. */
  readonly environmentOnly?: boolean;
}

/** The settings of one concern, keyed by environment name; the fragment's name is its TOML section. */
export type Fragment = Readonly<Record<string, Setting<unknown>>>;

export type ValueOf<S> = S extends Setting<infer T> ? T : never;
