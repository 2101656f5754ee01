import { parse } from 'smol-toml';
import { listed } from './fragments.ts';
import type { Setting } from './setting.ts';
import { nearest } from './spelling.ts';

export interface FileValues {
  /** Text by environment name. */
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

/**
 * Reads the settings file: sections are fragments, keys the lower-case names of settings. Never throws; problems name
 * `path`, line, section and key, never a value (the line may hold a secret).
 */
export function readSettingsFile(toml: string, path: string): FileValues {
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const [section, content] of Object.entries(parseToml(toml, path, problems))) {
    const inSection = listed.filter((entry) => entry.section === section);
    if (inSection.length === 0) {
      const known = [...new Set(listed.map((entry) => entry.section))];
      problems.push(
        isTable(content) ? `${path}: unknown section [${section}]${nearest(section, known)}` : homeless(path, section),
      );
      continue;
    }
    if (!isTable(content)) {
      problems.push(`${path}: "${section}" must be a section: write [${section}] on a line of its own`);
      continue;
    }
    for (const [key, value] of Object.entries(content)) {
      const entry = inSection.find(({ name }) => name.toLowerCase() === key);
      if (entry === undefined) {
        problems.push(homeless(path, key, section));
      } else if (entry.setting.environmentOnly === true) {
        problems.push(`${path}: ${key} in [${section}] can only be set in the environment, as ${entry.name}`);
      } else {
        const text = toText(value, entry.setting);
        if (text === null)
          problems.push(`${path}: ${key} in [${section}] must be written as ${notation(entry.setting)}`);
        else values.set(entry.name, text);
      }
    }
  }
  return { values, problems };
}

function parseToml(toml: string, path: string, problems: string[]): Record<string, unknown> {
  try {
    return parse(toml, { integersAsBigInt: true });
  } catch (error) {
    // The parser's message quotes the line, and a line may hold a key: only its place is told.
    const { line, column } = error as { line?: unknown; column?: unknown };
    const place = typeof line === 'number' && typeof column === 'number' ? ` in line ${line}, column ${column}` : '';
    problems.push(`${path}: not valid TOML${place}`);
    return {};
  }
}

function homeless(path: string, key: string, section?: string): string {
  const home = listed.find(({ name }) => name.toLowerCase() === key);
  const where = section === undefined ? 'outside of any section' : `in [${section}]`;
  if (home !== undefined) return `${path}: ${key} stands ${where}, but belongs in [${home.section}]`;
  const near = section === undefined ? [] : listed.filter((entry) => entry.section === section);
  return `${path}: unknown key ${key} ${where}${nearest(
    key,
    near.map(({ name }) => name.toLowerCase()),
  )}`;
}

/** The value as the environment would spell it, or null where its notation is wrong. */
function toText(value: unknown, setting: Setting<unknown>): string | null {
  if (typeof value === 'string') return value.trim();
  if (setting.form === 'flag') return typeof value === 'boolean' ? String(value) : null;
  if (setting.form === 'list') {
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join(',') : null;
  }
  return typeof value === 'bigint' ? String(value) : null;
}

function notation(setting: Setting<unknown>): string {
  if (setting.form === 'flag') return 'true or false';
  if (setting.form === 'list') return 'an array of texts: ["…", "…"]';
  return setting.form === 'number' ? 'a whole number' : 'text in quotes: "…" (decimals too, so that they stay exact)';
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
