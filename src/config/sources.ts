import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, resolve } from 'node:path';
import { readSettingsFile } from './file.ts';
import { listed, type SettingName } from './fragments.ts';
import type { Setting } from './setting.ts';
import { nearest } from './spelling.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SettingsFile {
  readonly text: string;
  /** Its group or everybody may read it: too many for a secret. */
  readonly open: boolean;
}

/** Reads one file; null when there is none. May throw for any other reason. */
export type ReadSettingsFile = (path: string) => SettingsFile | null;

export interface LoadOptions {
  /** False: remarks on settings that work are not for who only asks (`timmy pay`). */
  readonly advise?: boolean;
  /** For commands that only look: what the daemon needs to run (keys, services) may be missing here. */
  readonly readOnly?: boolean;
  readonly env: Environment;
  /** What relative paths count from. */
  readonly cwd: string;
  readonly readFile?: ReadSettingsFile;
  /** Takes what is worth saying and stops nothing. Never a secret. */
  readonly warn?: (warning: string) => void;
}

/** `config/timmy.toml` of this installation, found from `src/config/` and `dist/config/` alike. */
const DEFAULT_FILE = fileURLToPath(new URL('../../config/timmy.toml', import.meta.url));

export interface Found {
  readonly text: string;
  /** Names the source, as the beginning of a problem. */
  readonly from: string;
}

/** Where values come from, and in which order; collects what is wrong with the sources themselves. */
export class Sources {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly #options: LoadOptions;
  readonly #read: ReadSettingsFile;
  readonly #filePath: string;
  readonly #file: ReadonlyMap<string, string>;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#read = options.readFile ?? readFromDisk;
    const named = this.#env('TIMMY_CONFIG');
    this.#filePath = named === undefined ? DEFAULT_FILE : resolve(options.cwd, named);
    this.#refuseUnknownVariables();
    this.#file = this.#readSettings(named !== undefined);
  }

  find(name: SettingName, setting: Setting<unknown>): Found | undefined {
    return (
      this.#fromEnvironment(name) ??
      this.#fromNamedFile(setting) ??
      this.#fromAliases(setting) ??
      this.#fromCredential(name, setting) ??
      this.#fromFile(name)
    );
  }

  #env(name: string): string | undefined {
    const text = this.#options.env[name]?.trim();
    return text === '' ? undefined : text;
  }

  #fromEnvironment(name: string): Found | undefined {
    const text = this.#env(name);
    return text === undefined ? undefined : { text, from: name };
  }

  #fromAliases(setting: Setting<unknown>): Found | undefined {
    return setting.aliases?.map((alias) => this.#fromEnvironment(alias)).find((found) => found !== undefined);
  }

  #fromNamedFile(setting: Setting<unknown>): Found | undefined {
    if (setting.fileSetting === undefined) return undefined;
    const named = this.#env(setting.fileSetting) ?? this.#file.get(setting.fileSetting);
    if (named === undefined) return undefined;
    const path = resolve(this.#options.cwd, named);
    const file = this.#open(path, setting.fileSetting);
    if (file === undefined) return undefined;
    if (file === null) this.problems.push(`${setting.fileSetting}: there is no file ${shown(path)}`);
    if (file === null) return undefined;
    if (file.open) this.warnings.push(`${path} holds a secret and others may read it: chmod 600 it`);
    return { text: file.text.trim(), from: `${setting.fileSetting}: what ${shown(path)} holds` };
  }

  #fromCredential(name: string, setting: Setting<unknown>): Found | undefined {
    const directory = this.#options.env.CREDENTIALS_DIRECTORY;
    if (setting.credential === undefined || directory === undefined || directory === '') return undefined;
    const file = this.#open(join(directory, setting.credential), `credential ${setting.credential}`);
    const text = file?.text.trim();
    return text === undefined || text === '' ? undefined : { text, from: `${name} (credential ${setting.credential})` };
  }

  #fromFile(name: string): Found | undefined {
    const text = this.#file.get(name);
    if (text === undefined || text === '') return undefined;
    return { text, from: `${name.toLowerCase()} in ${this.#filePath}` };
  }

  /** The file, null where there is none, undefined (and a problem) where it cannot be read. */
  #open(path: string, what: string): SettingsFile | null | undefined {
    try {
      return this.#read(path);
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      this.problems.push(`${what}: ${shown(path)} cannot be read${typeof code === 'string' ? ` (${code})` : ''}`);
      return undefined;
    }
  }

  #readSettings(mustExist: boolean): ReadonlyMap<string, string> {
    const file = this.#open(this.#filePath, 'TIMMY_CONFIG');
    if (file === null && mustExist) this.problems.push(`TIMMY_CONFIG: there is no file ${shown(this.#filePath)}`);
    if (file === null || file === undefined) return new Map();
    const { values, problems } = readSettingsFile(file.text, this.#filePath);
    this.problems.push(...problems);
    const secret = listed.find(({ name, setting }) => setting.form === 'secret' && (values.get(name) ?? '') !== '');
    if (file.open && secret !== undefined) {
      this.warnings.push(`${this.#filePath} holds a secret and others may read it: chmod 600 it`);
    }
    return values;
  }

  #refuseUnknownVariables(): void {
    const known = listed.map(({ name }): string => name);
    for (const variable of Object.keys(this.#options.env).sort()) {
      if (!variable.startsWith('TIMMY_') || known.includes(variable) || this.#env(variable) === undefined) continue;
      this.problems.push(`${variable} is no setting of Timmy: unset it${nearest(variable, known)}`);
    }
  }
}

/** A path as it may be repeated: a key put where its file's name belongs is not. */
function shown(path: string): string {
  return /nsec1|ncryptsec1|sk-|[0-9a-f]{32}/i.test(path) ? '(not repeated: it looks like a key, not a path)' : path;
}

function readFromDisk(path: string): SettingsFile | null {
  try {
    return { text: readFileSync(path, 'utf8'), open: (statSync(path).mode & 0o077) !== 0 };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}
