import { expect, test } from 'vitest';
import type { Chat, Ear } from '../builders/daemon-chat.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { startDoomed } from '../builders/daemon-deaths.ts';
import { openOutside } from '../builders/daemon-outside.ts';
import { buyByRpc, type Purchase } from '../builders/daemon-purchase.ts';
import { IMPATIENT_KILLS, RPC_KILLS } from './points.ts';
import { expectWhole } from './verdict.ts';

/** What a program is told in a purchase, whatever dies meanwhile: three answers, and each change once. */
const TOLD = [
  'answer 1',
  'answer 2',
  'answer 3',
  'awaiting_work_payment',
  'awaiting_work_payment, invoice',
  'complete, refund paid',
  'complete, refund pending',
  'complete, refund pending',
  'evaluating',
  'executing',
];

test.concurrent.each(RPC_KILLS)('a program, killed at %s: one answer each, and the same when asked again', (point) =>
  purchase([point], async (customer, buy) => {
    const said: string[] = [];
    await buy({ ...customer, say: async (text) => void (await customer.say(text), said.push(text)) });
    expect(told(customer.ear)).toEqual(TOLD);
    expect(new Set(seqs(customer.ear)).size).toBe(7);
    // Asked again, each request gets its first answer once more and does nothing; reads find nothing new.
    for (const text of said) {
      await customer.say(text);
      const [first, again] = await answersTo(customer.ear, text, 2);
      expect(again).toBe(first);
    }
    expect(customer.ear.wraps.size).toBe(customer.ear.messages.length);
  }),
);

test.concurrent.each(IMPATIENT_KILLS)(
  'a program that says everything twice at once, killed at %s: all is done once',
  (point) =>
    purchase([point], async (customer, buy) => {
      const twice = async (text: string): Promise<void> => {
        await customer.say(text);
        await customer.say(text);
      };
      await buy({ ...customer, say: twice });
      // What is answered at once is answered twice alike; what waits for its invoice, once for both requests, unless
      // the second was read so late that the answer was there.
      for (const id of [2, 3]) {
        const [first, again] = await answersTo(customer.ear, `{"id":${id}}`, 2);
        expect(again).toBe(first);
      }
      const heard = told(customer.ear);
      if (heard[1] === 'answer 1') {
        const [first, again] = await answersTo(customer.ear, '{"id":1}', 2);
        expect(again).toBe(first);
        heard.shift();
      }
      expect(heard).toEqual([...TOLD, 'answer 2', 'answer 3'].sort());
      expect(new Set(seqs(customer.ear)).size).toBe(7);
    }),
);

/** Buys, and sees the daemon die. */
type Buy = (chat: Chat) => Promise<void>;

/** One purchase by JSON-RPC of a daemon that is killed at `points`; in the end all money and receipts are whole. */
async function purchase(points: readonly string[], story: (customer: Chat, buy: Buy) => Promise<void>): Promise<void> {
  const outside = await openOutside();
  const { lnbits } = outside;
  const daemon = outside.daemon();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  try {
    const died = await startDoomed(daemon, points);
    let bought: Purchase | undefined;
    const buy: Buy = async (chat) => {
      bought = await buyByRpc(chat, lnbits);
      await died();
    };
    await story(customer, buy);
    await daemon.stop();
    if (bought === undefined) throw new Error('nothing was bought');
    expectWhole(daemon, lnbits, bought);
  } finally {
    await customer.close();
    await outside.close();
  }
}

interface Spoken {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly job: {
      readonly seq: number;
      readonly state: string;
      readonly invoice: object | null;
      readonly refund: { readonly state: string } | null;
    };
  };
}

function spoken({ messages }: Ear): Spoken[] {
  return messages.map(({ text }) => JSON.parse(text) as Spoken);
}

/** All that was heard, each in a word or two, sorted. */
function told(ear: Ear): string[] {
  return spoken(ear)
    .map(({ id, params }) => {
      if (params === undefined) return `answer ${id}`;
      const { state, invoice, refund } = params.job;
      return `${state}${invoice === null ? '' : ', invoice'}${refund === null ? '' : `, refund ${refund.state}`}`;
    })
    .sort();
}

/** The `seq` of all notifications, in order of arrival sorted: each once. */
function seqs(ear: Ear): number[] {
  return spoken(ear)
    .flatMap(({ params }) => (params === undefined ? [] : [params.job.seq]))
    .sort((a, b) => a - b);
}

/** The first `count` answers to this request, once they are there. */
async function answersTo(ear: Ear, request: string, count: number): Promise<string[]> {
  const { id } = JSON.parse(request) as Spoken;
  const answers = (): string[] =>
    ear.messages.map(({ text }) => text).filter((text) => (JSON.parse(text) as Spoken).id === id);
  await ear.until(`${count} answers to request ${id}`, () => answers().length >= count);
  return answers().slice(0, count);
}
