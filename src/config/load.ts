import { resolve } from 'node:path';
import { ConfigError } from '../lib/errors.ts';
import { listed, type SettingName, type Settings } from './fragments.ts';
import { advice, priceAdvice, rules } from './rules.ts';
import type { Setting } from './setting.ts';
import { Sources, type LoadOptions } from './sources.ts';

/**
 * The settings. Each one comes from the first of: environment (then the file it names, then its
 * aliases), systemd credential, settings file (`TIMMY_CONFIG`, else `config/timmy.toml`), default. An empty environment
 * variable counts as unset.
 * @throws ConfigError with every problem at once, each saying what to do; no problem contains a secret.
 */
export function loadSettings(options: LoadOptions): Settings {
  const sources = new Sources(options);
  const values: Record<string, unknown> = {};
  const broken = new Set<SettingName>();
  for (const { name, setting } of listed) {
    const found = sources.find(name, setting);
    if (found === undefined) {
      values[name] = setting.absent;
    } else {
      const parsed = setting.schema.safeParse(found.text);
      if (parsed.success) values[name] = parsed.data;
      else sources.problems.push(`${found.from} must be ${setting.expected}${quoted(found.text, setting)}`);
      if (!parsed.success) broken.add(name);
    }
    if (setting.form === 'path' && typeof values[name] === 'string') values[name] = resolve(options.cwd, values[name]);
  }
  values.LIGHTNING_NETWORK ??= values.LNBITS_URL === undefined ? 'regtest' : 'bitcoin';

  const settings = values as unknown as Settings;
  const applicable = (rule: { reads: readonly SettingName[] }): boolean => !rule.reads.some((name) => broken.has(name));
  const breaches = options.readOnly === true ? [] : rules.filter(applicable).map((rule) => rule.check(settings));
  const problems = [...sources.problems, ...breaches.filter((breach) => breach !== null)];
  if (problems.length > 0) throw new ConfigError(problems);

  const remarks = options.advise === false ? [] : adviceOn(settings);
  for (const warning of [...sources.warnings, ...remarks]) options.warn?.(warning);
  return Object.freeze(settings);
}

/**
 * What should be said of these settings, though Timmy works with them.
 * @param hasModel whether a model is paid for what it answers; beside a daemon its settings do not tell (credentials).
 */
export function adviceOn(settings: Settings, hasModel = settings.ANTHROPIC_API_KEY !== undefined): string[] {
  return [...advice, ...(hasModel ? priceAdvice : [])]
    .map((rule) => rule.check(settings))
    .filter((remark) => remark !== null);
}

/** Removes every secret from `env` (usually `process.env`), so that children and crash reports do not inherit it. */
export function scrubSecrets(env: Record<string, string | undefined>): void {
  for (const { name, setting } of listed) {
    if (setting.form === 'secret') for (const variable of [name, ...(setting.aliases ?? [])]) delete env[variable];
  }
}

function quoted(text: string, setting: Setting<unknown>): string {
  // Short enough to be no key, should someone have pasted one into the wrong variable.
  return setting.form === 'secret' || text.length > 16 ? '' : `, not "${text}"`;
}
