import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { listed } from './fragments.ts';

const unit = readFileSync(new URL('../../timmy.service', import.meta.url), 'utf8');

it('timmy.service hands over every credential that a setting is read from; all but the key may be missing', () => {
  const loaded = new Map(
    [...unit.matchAll(/^LoadCredentialEncrypted=([\w-]+):(\S+)$/gm)].map(([, id, path]) => [id, path]),
  );
  const read = listed.flatMap(({ setting }) => setting.credential ?? []);
  expect([...loaded.keys()].sort()).toEqual([...new Set(read)].sort());
  // systemd.exec(5): a path that is not absolute is looked for in the credential stores, and may be absent.
  const needed = [...loaded].flatMap(([id, path]) => (path?.startsWith('/') === true ? [id] : []));
  expect(needed).toEqual(['timmy-nsec']);
});
