import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createRelayHub } from '../../test/fakes/relay-hub.ts';
import { createTerminal } from '../../test/fakes/terminal.ts';
import { VERSION } from '../app/version.ts';
import { decodeInvoice } from '../bolt11/index.ts';
import { register } from './index.ts';

function terminal(env: Record<string, string> = {}, look: (program: Command) => void = () => {}) {
  return createTerminal({ clock: createHandClock(), hub: createRelayHub([]), cwd: '/', env }, (program, cli) => {
    register(program, cli);
    look(program);
  });
}

it('--version prints the version', async () => {
  const t = terminal();
  expect(await t.run('--version')).toBe(0);
  expect(t.out()).toBe(`${VERSION}\n`);
});

it('every command says what it does, and every argument what it is', async () => {
  const silent: string[] = [];
  const look = (command: Command, path: string): void => {
    if (command.description() === '') silent.push(path);
    for (const argument of command.registeredArguments)
      if (argument.description === '') silent.push(`${path} <${argument.name()}>`);
    for (const sub of command.commands) look(sub, `${path} ${sub.name()}`);
  };
  await terminal({}, (program) => look(program, 'timmy')).run('--version');
  expect(silent).toEqual([]);
});

it.each([
  [['invoices', 'credit', 'abcdef'], '(timmy invoices credit --help tells more)'],
  [['start', '--nonsense'], '(timmy start --help tells more)'],
  [['jobs', 'J-4KQ7M'], '(one of them: timmy jobs show …; timmy jobs --help tells more)'],
  [['nonsense'], '(timmy --help lists the commands)'],
])('a mistake in %j is told with where to read on', async (argv, hint) => {
  const t = terminal();
  expect(await t.run(...argv)).toBe(2);
  expect(t.err()).toContain(hint);
});

it('timmy receive makes an invoice as a customer would, where there is the stub wallet', async () => {
  const t = terminal();
  expect(await t.run('receive', '2')).toBe(0);
  expect(decodeInvoice(t.out().trim())).toMatchObject({ network: 'regtest', amountMsats: 2000n });
  expect(await terminal().run('receive', '0')).toBe(2);
  const real = terminal({ LNBITS_URL: 'https://lnbits.example', LNBITS_API_KEY: 'k' });
  expect(await real.run('receive', '2')).toBe(3);
  expect(real.err()).toContain('make one in your wallet');
});
