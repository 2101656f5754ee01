import type { Command } from 'commander';
import { registerChat } from './chat.ts';
import { registerDemo } from './demo.ts';
import { registerDm } from './dm.ts';
import { registerInvoices } from './invoices.ts';
import { registerKeygen } from './keygen.ts';
import { registerLedger } from './ledger.ts';
import { registerNodeActs } from './nodes.ts';
import { registerOrders } from './orders.ts';
import { registerPay } from './pay.ts';
import { registerReceive } from './receive.ts';
import { registerRefunds } from './refunds.ts';
import type { ProductFace } from '../engine/index.ts';
import { FACES } from '../products/catalogue.ts';
import type { Cli } from './run.ts';
import { registerSessionActs } from './sessions.ts';
import { registerStart } from './start.ts';
import { registerStatus } from './status.ts';
import { registerVerify } from './verify.ts';
import { registerWhoami } from './whoami.ts';

/** Every subcommand of `timmy`. @param faces what is sold: the orders that it may find in the database. */
export function register(program: Command, cli: Cli, faces: readonly ProductFace[] = FACES): void {
  for (const one of [
    registerStart,
    registerDemo,
    registerKeygen,
    registerWhoami,
    registerDm,
    registerChat,
    registerPay,
    registerReceive,
    registerStatus,
    registerProducts,
    registerInvoices,
    registerRefunds,
    registerLedger,
    registerVerify,
  ]) {
    one(program, cli, faces);
  }
  sayWhereHelpIs(program, 'timmy');
}

/** After a mistake: the help of the command that was meant, not of all. */
function sayWhereHelpIs(command: Command, path: string): void {
  const hasShow = command.commands.some((sub) => sub.name() === 'show');
  for (const sub of command.commands) {
    const name = `${path} ${sub.name()}`;
    const isList = sub.name() === 'list' && hasShow;
    sub.showHelpAfterError(
      isList ? `(one of them: ${path} show …; ${path} --help tells more)` : `(${name} --help tells more)`,
    );
    if (isList)
      command.addHelpText('after', `\nWithout a command it is list, with the options of that: ${name} --help`);
    sayWhereHelpIs(sub, name);
  }
}

/** What operators may do to the orders of a product, beside looking at them. */
const ACTS: Readonly<Record<string, (orders: Command, cli: Cli, face: ProductFace) => void>> = {
  session: registerSessionActs,
  bootstrap: registerNodeActs,
};

/** `timmy jobs` and its like, for all that is sold. */
function registerProducts(program: Command, cli: Cli, faces: readonly ProductFace[]): void {
  for (const face of faces) {
    const orders = registerOrders(program, cli, face);
    ACTS[face.kind]?.(orders, cli, face);
  }
}
