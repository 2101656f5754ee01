import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import { startFakeLnurl, type FakeLnurl } from '../fakes/lnurl.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';
import type { Chat } from './daemon-chat.ts';
import { openCustomer, type Customer, type CustomerOptions } from './daemon-customer.ts';
import { ANSWER } from './daemon-outside.ts';
import { REQUEST, type Purchase, type Purse } from './daemon-purchase.ts';

/** A customer whose profile (kind 0) names a Lightning address, and the server behind it. */
export interface AddressedCustomer extends Customer {
  readonly lnurl: FakeLnurl;
}

/** Its address is served on loopback; its invoices are paid by the node behind `lnbits`. */
export async function openAddressedCustomer(
  relays: readonly string[],
  timmy: string,
  lnbits: FakeLnbits,
  options: CustomerOptions = {},
): Promise<AddressedCustomer> {
  const lnurl = await startFakeLnurl({ makeInvoice: (amountMsats) => lnbits.receiveInvoice(Number(amountMsats)) });
  const secretKey = generateSecretKey();
  const customer = await openCustomer(relays, timmy, { ...options, secretKey });
  const content = JSON.stringify({ name: 'Ann', lud16: lnurl.address });
  const created_at = Math.floor(Date.now() / 1000);
  await customer.publish(finalizeEvent({ kind: 0, created_at, tags: [], content }, secretKey));
  return {
    ...customer,
    lnurl,
    close: async () => {
      await customer.close();
      await lnurl.close();
    },
  };
}

/** The job in words up to the answer, whose last line says where the change goes. */
export async function buyUpToTheAnswer(
  { say, ear }: Chat,
  purse: Purse,
  request = REQUEST,
): Promise<Omit<Purchase, 'receipts'> & { readonly change: string }> {
  await say(request);
  const [, id = '', look] = await ear.takeText(/^(J-\w{5})\. (\d+) sats now for a look/);
  await pay(purse, (await ear.takeText(/^lnbc\w+$/))[0]);
  const [, work] = await ear.takeText(new RegExp(`${id} is accepted\\. (\\d+) sats`));
  await pay(purse, (await ear.takeText(/^lnbc\w+$/))[0]);
  const [answer, paid, , change] = await ear.takeText(/[^]*\n(\d+) paid, (\d+) used, (\d+) yours[^]*/);
  if (!answer.includes(ANSWER)) throw new Error('the answer is not the one of the model');
  if (paid !== work) throw new Error(`quoted ${work}, billed ${paid}`);
  return {
    id,
    evalSats: Number(look),
    workSats: Number(work),
    changeSats: Number(change),
    change: answer.slice(answer.lastIndexOf('\n') + 1),
  };
}

/** A whole job in words whose change comes by itself, and its receipts. */
export async function buyWithAddress(customer: AddressedCustomer, purse: Purse, request = REQUEST): Promise<Purchase> {
  const { ear, lnurl } = customer;
  const { change, ...bought } = await buyUpToTheAnswer(customer, purse, request);
  if (!change.startsWith(`${bought.changeSats} sats go to ${lnurl.address}`)) throw new Error(`said: ${change}`);
  await ear.takeText(new RegExp(`^Paid out: ${bought.changeSats} sats to ${lnurl.address}\\.`));
  await customer.say(`receipt ${bought.id}`);
  await ear.takeText(new RegExp(`^${bought.id}: complete\\.`));
  const chain: string[] = [];
  while (chain.length < 3) chain.push((await ear.takeText(/^\{.*"sig":.*\}$/))[0]);
  return { ...bought, receipts: chain.join('\n') };
}

async function pay(purse: Purse, bolt11: string): Promise<void> {
  if (!(await purse.payInvoice(bolt11))) throw new Error('the invoice cannot be paid');
}
