import type { Chat } from './daemon-chat.ts';
import { ANSWER } from './daemon-outside.ts';
import type { Purse } from './daemon-purchase.ts';

/** What a whole session came to, as the customer saw it. Sats. */
export interface Talk {
  readonly id: string;
  readonly depositSats: number;
  readonly topupSats: number;
  readonly spentSats: number;
  /** Paid back to an invoice of the customer's. */
  readonly restSats: number;
}

const DEPOSIT = 200;
const TOPUP = 300;

/** A session in words: deposit, an answer, a question that waits for a top-up, close, the rest paid out. */
export async function talkByWords(chat: Chat, purse: Purse): Promise<Talk> {
  const { ear } = chat;
  const pay = async (): Promise<void> => {
    if (!(await purse.payInvoice((await ear.takeText(/^lnbc\w+$/))[0]))) throw new Error('the invoice cannot be paid');
  };
  await chat.say(`session ${DEPOSIT}`);
  const [, id = ''] = await ear.takeText(new RegExp(`^(S-\\w{5})\\. ${DEPOSIT} sats`));
  await pay();
  await ear.takeText(/^Paid\. S-\w{5} is open: /);
  let spentSats = 0;
  const hear = async (): Promise<number> => {
    const [, cost, left] = await ear.takeText(new RegExp(`${escaped(ANSWER)}[^]*?(\\d+) sats, (\\d+) left\\.`));
    spentSats += Number(cost);
    return Number(left);
  };
  await chat.say('Why is the sky blue?');
  await hear();
  await chat.say(`topup ${TOPUP}`);
  await ear.takeText(new RegExp(`^${TOPUP} sats more for ${id}`));
  await pay();
  await ear.takeText(/^Paid\. S-\w{5} has /);
  await chat.say('And why is the grass green?');
  const restSats = await hear();
  await chat.say('close');
  await ear.takeText(new RegExp(`^${id} is closed\\. ${restSats} sats are yours`));
  await chat.say(await purse.receiveInvoice(restSats * 1000));
  await ear.takeText(new RegExp(`^Paid out: ${restSats} sats`));
  return { id, depositSats: DEPOSIT, topupSats: TOPUP, spentSats, restSats };
}

interface RpcSession {
  readonly id: string;
  readonly state: string;
  readonly balance_sats: number;
  readonly spent_sats: number;
  readonly invoice: { readonly bolt11: string } | null;
  readonly refund: { readonly state: string } | null;
}

interface RpcMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly session?: RpcSession };
  readonly result?: {
    readonly session?: RpcSession;
    readonly state?: string;
    readonly result?: string;
    readonly debited_sats?: number;
  };
  readonly error?: { readonly code: number; readonly message: string };
}

/** The same by program; its close names the invoice that the rest is paid to. */
export async function talkByRpc(chat: Chat, purse: Purse): Promise<Talk> {
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
  const update = (what: string, wanted: (session: RpcSession) => boolean): Promise<RpcSession> =>
    chat.ear.take(`a session.updated: ${what}`, (text) => {
      const message = rpcIn(text);
      const session = message?.method === 'session.updated' ? message.params?.session : undefined;
      return session !== undefined && wanted(session) ? session : undefined;
    });
  const pay = async (session: RpcSession | undefined): Promise<void> => {
    if (!(await purse.payInvoice(session?.invoice?.bolt11 ?? ''))) throw new Error('the invoice cannot be paid');
  };
  const ask = async (request: string): Promise<number> => {
    const { state, result, debited_sats: debited } = await call('session.request', { request });
    if (state !== 'complete' || result !== ANSWER) throw new Error(`session.request: ${state}`);
    return debited ?? 0;
  };

  const { session } = await call('session.create', { amount_sats: DEPOSIT });
  await pay(session);
  await update('active', ({ state }) => state === 'active');
  let spentSats = await ask('Why is the sky blue?');
  await pay((await call('session.topup', { amount_sats: TOPUP })).session);
  await update('topped up', ({ balance_sats: balance }) => balance === DEPOSIT + TOPUP - spentSats);
  spentSats += await ask('And why is the grass green?');
  const restSats = DEPOSIT + TOPUP - spentSats;
  await call('session.close', { destination: await purse.receiveInvoice(restSats * 1000) });
  await update('its rest paid out', ({ refund }) => refund?.state === 'paid');
  return { id: session?.id ?? '', depositSats: DEPOSIT, topupSats: TOPUP, spentSats, restSats };
}

function rpcIn(text: string): RpcMessage | undefined {
  return text.startsWith('{"jsonrpc"') ? (JSON.parse(text) as RpcMessage) : undefined;
}

function escaped(text: string): string {
  return text.replace(/[.?*+^$()[\]{}|\\]/g, '\\$&');
}
