import { createHash } from 'node:crypto';
import type { Chat } from './daemon-chat.ts';
import { ANSWER } from './daemon-outside.ts';

/** What a whole purchase came to, as the customer saw it. Amounts in sats. */
export interface Purchase {
  readonly id: string;
  readonly evalSats: number;
  readonly workSats: number;
  readonly changeSats: number;
  /** The signed receipts, as JSON lines, a whole chain: of the look, of the work, and of the refund. */
  readonly receipts: string;
}

/** A customer's money, whichever wallet it is in. The fake LNbits is one: its node stands for all others. */
export interface Purse {
  /** Pays, whether Timmy lives or not; false when the invoice cannot be paid. */
  payInvoice(bolt11: string): boolean | Promise<boolean>;
  /** An invoice of the customer's own. */
  receiveInvoice(amountMsats: number): string | Promise<string>;
}

export const REQUEST = 'Why is the sky blue? Please answer in one sentence.';

/** The whole job in words: look, quote, work, change paid out to an invoice of the customer's, receipts. */
export async function buyByWords(chat: Chat, purse: Purse, request = REQUEST): Promise<Purchase> {
  const { ear } = chat;
  await chat.say(request);
  const [, id = '', look] = await ear.takeText(/^(J-\w{5})\. (\d+) sats now for a look/);
  await pay(purse, (await ear.takeText(/^lnbc\w+$/))[0]);
  const [, work] = await ear.takeText(new RegExp(`${id} is accepted\\. (\\d+) sats`));
  await pay(purse, (await ear.takeText(/^lnbc\w+$/))[0]);
  const bill = new RegExp(`${escaped(ANSWER)}[^]*?(\\d+) paid, (\\d+) used, (\\d+) yours`);
  const [, paid, , change] = await ear.takeText(bill);
  if (paid !== work) throw new Error(`quoted ${work}, billed ${paid}`);

  const changeSats = Number(change);
  await chat.say(await purse.receiveInvoice(changeSats * 1000));
  await ear.takeText(new RegExp(`^Paid out: ${changeSats} sats`));
  await chat.say(`receipt ${id}`);
  await ear.takeText(new RegExp(`^${id}: complete\\.`));
  const chain: string[] = [];
  while (chain.length < 3) chain.push((await ear.takeText(/^\{.*"sig":.*\}$/))[0]);
  const receipts = chain.join('\n');
  return { id, evalSats: Number(look), workSats: Number(work), changeSats, receipts };
}

interface RpcMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly job?: RpcJob };
  readonly result?: {
    readonly job?: RpcJob;
    readonly receipt?: unknown;
    readonly refund_receipts?: readonly unknown[];
    readonly earlier_receipts?: readonly unknown[];
  };
  readonly error?: { readonly code: number; readonly message: string };
}

interface RpcJob {
  readonly id: string;
  readonly state: string;
  readonly result: string | null;
  readonly invoice: { readonly purpose: string; readonly bolt11: string; readonly amount_sats: number } | null;
  readonly refund: {
    readonly state: string;
    readonly amount_sats: number;
    readonly preimage: string | null;
    readonly payment_hash: string | null;
  } | null;
}

/** The same in JSON-RPC: requests are answered, states and money arrive as notifications. */
export async function buyByRpc(chat: Chat, purse: Purse, request = REQUEST): Promise<Purchase> {
  let calls = 0;
  const call = async (method: string, params: object): Promise<NonNullable<RpcMessage['result']>> => {
    const id = ++calls;
    await chat.say(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const { result, error } = await chat.ear.take(`the answer to ${method}`, (text) => {
      const message = rpcIn(text);
      return message?.id === id ? message : undefined;
    });
    if (result === undefined) throw new Error(`${method}: ${error?.code} ${error?.message}`);
    return result;
  };
  const update = (what: string, wanted: (job: RpcJob) => boolean): Promise<RpcJob> =>
    chat.ear.take(`a job.updated: ${what}`, (text) => {
      const message = rpcIn(text);
      const job = message?.method === 'job.updated' ? message.params?.job : undefined;
      return job !== undefined && wanted(job) ? job : undefined;
    });

  const { job } = await call('job.create', { request });
  if (job?.invoice?.purpose !== 'eval') throw new Error('job.create came without its invoice');
  const { id } = job;
  await pay(purse, job.invoice.bolt11);
  const quoted = await update(
    'the work invoice',
    ({ state, invoice }) => state === 'awaiting_work_payment' && invoice !== null,
  );
  await pay(purse, quoted.invoice?.bolt11 ?? '');
  const done = await update('complete', ({ state }) => state === 'complete');
  if (done.result !== ANSWER) throw new Error('the answer is not the one of the model');

  const changeSats = done.refund?.amount_sats ?? 0;
  await call('job.refund', { id, destination: await purse.receiveInvoice(changeSats * 1000) });
  const { refund } = await update('change paid', (one) => one.refund?.state === 'paid');
  const hash = createHash('sha256')
    .update(Buffer.from(refund?.preimage ?? '', 'hex'))
    .digest('hex');
  if (hash !== refund?.payment_hash) throw new Error('the preimage does not prove the refund');
  const { receipt, refund_receipts: more = [], earlier_receipts: earlier = [] } = await call('job.receipt', { id });
  const receipts = [...earlier, receipt, ...more].map((one) => JSON.stringify(one)).join('\n');
  return { id, evalSats: job.invoice.amount_sats, workSats: quoted.invoice?.amount_sats ?? 0, changeSats, receipts };
}

async function pay(purse: Purse, bolt11: string): Promise<void> {
  if (!(await purse.payInvoice(bolt11))) throw new Error('the invoice cannot be paid');
}

function rpcIn(text: string): RpcMessage | undefined {
  return text.startsWith('{"jsonrpc"') ? (JSON.parse(text) as RpcMessage) : undefined;
}

function escaped(text: string): string {
  return text.replace(/[.?*+^$()[\]{}|\\]/g, '\\$&');
}
