import type { Command } from 'commander';
import { registerChat } from './chat.ts';
import { registerDemo } from './demo.ts';
import { registerDm } from './dm.ts';
import { registerInvoices } from './invoices.ts';
import { registerKeygen } from './keygen.ts';
import { registerLedger } from './ledger.ts';
import { registerOrders } from './orders.ts';
import { registerPay } from './pay.ts';
import { registerRefunds } from './refunds.ts';
import { FACES } from '../products/catalogue.ts';
import type { Cli } from './run.ts';
import { registerStart } from './start.ts';
import { registerStatus } from './status.ts';
import { registerVerify } from './verify.ts';
import { registerWhoami } from './whoami.ts';

/** Every subcommand of `timmy`. */
export function register(program: Command, cli: Cli): void {
  for (const one of [
    registerStart,
    registerDemo,
    registerKeygen,
    registerWhoami,
    registerDm,
    registerChat,
    registerPay,
    registerStatus,
    registerProducts,
    registerInvoices,
    registerRefunds,
    registerLedger,
    registerVerify,
  ]) {
    one(program, cli);
  }
}

/** `timmy jobs` and its like, for all that is sold. */
function registerProducts(program: Command, cli: Cli): void {
  for (const face of FACES) registerOrders(program, cli, face);
}
