import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readSettingsFile } from './file.ts';
import { fragments, listed } from './fragments.ts';
import type { Setting } from './setting.ts';

const PATH = new URL('../../config/timmy.toml', import.meta.url);

const HEAD = `# Settings of Timmy. The environment wins over this file, this file over the defaults; every value below is the default.
# The environment names are the same in capitals (eval_fee_sats here is EVAL_FEE_SATS there). TIMMY_CONFIG names another file.
# Decimals stand in quotes, so that they stay exact. Keys are better given as systemd credentials, or in the environment.
`;

/** The file as the schema would have it. */
function render(): string {
  const sections = Object.keys(fragments).map((section) => {
    const entries = listed.filter((entry) => entry.section === section && entry.setting.environmentOnly !== true);
    return [`[${section}]`, ...entries.map(({ name, setting }) => entry(name.toLowerCase(), setting))].join('\n');
  });
  return [HEAD.trimEnd(), ...sections].join('\n\n') + '\n';
}

function entry(key: string, setting: Setting<unknown>): string {
  const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`;
  const value = literal(setting);
  const without = setting.form === 'secret' || setting.defaultText === undefined ? ' Default: not set.' : '';
  return `# ${setting.about}${unit}${without}\n${value === null ? `# ${key} = ""` : `${key} = ${value}`}`;
}

function literal(setting: Setting<unknown>): string | null {
  const text = setting.defaultText;
  if (text === undefined) return null;
  if (setting.form === 'number' || setting.form === 'flag') return text;
  if (setting.form !== 'list') return JSON.stringify(text);
  const items = text === '' ? [] : text.split(',').map((item) => JSON.stringify(item));
  return `[${items.join(', ')}]`;
}

it('config/timmy.toml has every setting with its unit and default, as the schema says', async () => {
  await expect(render()).toMatchFileSnapshot(PATH.pathname);
});

it('and every active value of it is read as the default', () => {
  const { values, problems } = readSettingsFile(readFileSync(PATH, 'utf8'), 'timmy.toml');
  expect(problems).toEqual([]);
  for (const { name, setting } of listed) {
    const text = values.get(name);
    if (text !== undefined && text !== '') expect([name, setting.schema.parse(text)]).toEqual([name, setting.absent]);
  }
  const active = listed.filter(({ setting }) => setting.defaultText !== undefined && setting.environmentOnly !== true);
  expect([...values.keys()]).toEqual(active.map(({ name }) => name));
});
