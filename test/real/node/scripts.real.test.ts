import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const FILES = new URL('../../../src/node-image/files/', import.meta.url).pathname;

it('shellcheck has nothing to say about a script of the node', () => {
  const scripts = readdirSync(FILES).filter((name) => readFileSync(`${FILES}${name}`, 'utf8').startsWith('#!'));
  expect(scripts).toHaveLength(6);
  const here = ['debian.sh', 'birth.sh', 'run.sh'].map((name) => new URL(name, import.meta.url).pathname);
  const shellcheck = process.env['NODE_SHELLCHECK'] ?? 'shellcheck';
  execFileSync(shellcheck, [...scripts.map((name) => `${FILES}${name}`), ...here], { stdio: 'inherit' });
});
