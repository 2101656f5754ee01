import type { Command } from 'commander';
import type { OrderRow, ProductFace } from '../engine/index.ts';
import type { ByHand } from '../products/session/machine.ts';
import { actByHand, type ByHandOptions, type Particulars } from './by-hand.ts';
import { when } from './reading.ts';
import { UsageError, type Cli } from './run.ts';

/** `timmy sessions close|extend`: what the operator decides about one, with a reason, carried out by the running Timmy. */
export function registerSessionActs(sessions: Command, cli: Cli, face: ProductFace): void {
  sessions.description('the newest sessions; close one, or let it last longer, by hand');
  const whyNot = ({ id, state }: OrderRow): string | null =>
    state === 'active' || state === 'paused'
      ? null
      : `${id} is ${state.replaceAll('_', ' ')}: only one that is open can be changed.`;
  sessions
    .command('close')
    .argument('<id>', 'such as S-4KQ7M')
    .description(
      'end it; what is left is owed to its customer, paid out as any change: unasked where they gave an address, else when they ask (timmy refunds shows it)',
    )
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, options: ByHandOptions) => {
      const command: ByHand = { type: 'close' };
      const done = (order: OrderRow): string => `${order.id} is ${order.state}. What is left is owed to its customer: timmy refunds shows it.`;
      return actByHand(cli, face, id, { command, what: 'closed', whyNot, done }, options);
    });
  sessions
    .command('extend')
    .argument('<id>', 'such as S-4KQ7M')
    .argument('<hours>', 'such as 24, or 0.5')
    .description('let it last longer by so many hours')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--json', 'one JSON object')
    .action((id: string, hours: string, options: ByHandOptions) => {
      const command: ByHand = { type: 'extend', seconds: secondsOf(hours) };
      const what = `extended by ${command.seconds} seconds`;
      const done = ({ id: of }: OrderRow, { expires_at: until }: Particulars): string =>
        `${of} lasts longer${typeof until === 'number' ? ` until ${when(until)} UTC` : ''}.`;
      return actByHand(cli, face, id, { command, what, whyNot, done }, options);
    });
}

function secondsOf(hours: string): number {
  const seconds = Math.round(Number(hours) * 3600);
  if (!/^\d{1,4}(\.\d{1,4})?$/.test(hours) || seconds < 1) throw new UsageError('hours: a number above 0, such as 24');
  return seconds;
}
