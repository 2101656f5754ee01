import type { Chat, Ear } from '../builders/daemon-chat.ts';
import type { FakeLnbits } from '../fakes/lnbits/index.ts';

/** What one purchase came to. Sats. */
export interface Bought {
  readonly id: string;
  /** Each invoice paid. */
  readonly paid: readonly number[];
  /** What came back: change, or a step that could not be done. 0: nothing was owed. */
  readonly back: number;
}

/** Buys one job, whatever becomes of it, and sees its money through to the end. `paidUnasked`: it comes by itself. */
export type Buyer = (chat: Chat, lnbits: FakeLnbits, request: string, paidUnasked: boolean) => Promise<Bought>;

/** In words. */
export const buyInWords: Buyer = async ({ say, ear }, lnbits, request, paidUnasked) => {
  await say(request);
  const [, id = '', look] = await ear.takeText(/^(J-\w{5})\. (\d+) sats now for a look/);
  const paid = [Number(look)];
  await payNext(ear, lnbits);
  const verdict = await ear.takeText(new RegExp(`${id} is accepted\\. (\\d+) sats|${id} could not be done`));
  let back = Number(look);
  if (verdict[1] !== undefined) {
    paid.push(Number(verdict[1]));
    await payNext(ear, lnbits);
    const end = await ear.takeText(new RegExp(`(\\d+) yours\\. receipt ${id} shows|${id} could not be done`));
    back = Number(end[1] ?? verdict[1]);
  }
  if (back > 0 && !paidUnasked) await say(lnbits.receiveInvoice(back * 1000));
  if (back > 0) await ear.takeText(new RegExp(`^Paid out: ${back} sats`));
  return { id, paid, back };
};

interface Message {
  readonly id?: string;
  readonly result?: { readonly job: Job };
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: { readonly job: Job };
}

interface Job {
  readonly id: string;
  readonly state: string;
  readonly invoice: { readonly bolt11: string; readonly amount_sats: number } | null;
  readonly refund: { readonly state: string; readonly amount_sats: number } | null;
}

/** By JSON-RPC; the requests' ids are made of `request`, which must not repeat. */
export const buyByProgram: Buyer = async ({ say, ear }, lnbits, request, paidUnasked) => {
  const read = (text: string): Message => (text.startsWith('{') ? (JSON.parse(text) as Message) : {});
  const call = async (method: string, params: object): Promise<Job> => {
    const id = `${method} ${request}`;
    await say(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const { result, error } = await ear.take(`the answer to ${method}`, (text) => {
      const message = read(text);
      return message.id === id ? message : undefined;
    });
    if (result === undefined) throw new Error(`${method}: ${error?.code} ${error?.message}`);
    return result.job;
  };
  const { id, invoice } = await call('job.create', { request });
  const update = (what: string, wanted: (job: Job) => boolean): Promise<Job> =>
    ear.take(`${id}: ${what}`, (text) => {
      const job = read(text).params?.job;
      return job?.id === id && wanted(job) ? job : undefined;
    });
  const paid: number[] = [];
  const pay = (due: Job['invoice']): void => {
    if (due === null || !lnbits.payInvoice(due.bolt11)) throw new Error(`${id} has no invoice to pay`);
    paid.push(due.amount_sats);
  };
  pay(invoice);
  let job = await update('quoted', (one) => one.state === 'failed' || one.invoice !== null);
  if (job.state !== 'failed') {
    pay(job.invoice);
    job = await update('ended', ({ state }) => state === 'failed' || state === 'complete');
  }
  const back = job.refund?.amount_sats ?? 0;
  if (back > 0 && !paidUnasked) await call('job.refund', { id, destination: lnbits.receiveInvoice(back * 1000) });
  if (back > 0) await update('paid back', ({ refund }) => refund?.state === 'paid');
  return { id, paid, back };
};

async function payNext(ear: Ear, lnbits: FakeLnbits): Promise<void> {
  const [bolt11] = await ear.takeText(/^lnbc\w+$/);
  if (!lnbits.payInvoice(bolt11)) throw new Error('the invoice cannot be paid');
}
