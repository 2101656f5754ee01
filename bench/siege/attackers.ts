import { finalizeEvent, generateSecretKey } from 'nostr-tools/pure';
import { wrapEvent } from 'nostr-tools/nip59';
import WebSocket from 'ws';
import { startFakeRelay, type FakeRelay } from '../../test/fakes/relay.ts';
import { scripts } from '../../test/fakes/lnbits/index.ts';
import { openCustomer, type Customer } from '../../test/builders/daemon-customer.ts';
import type { Crowd } from './honest.ts';
import { pause } from './honest.ts';

/** What an attacker may touch: what every stranger may, and the relay that everybody uses. */
export interface Field extends Crowd {
  readonly home: FakeRelay;
}

export interface Attacker {
  /** The kind in the list of threats. */
  readonly kind: string;
  readonly what: string;
  /** Settings of the daemon under which it is worst. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Before the honest come. */
  prepare?(field: Field): Promise<void>;
  /** Goes on until `signal` fires. @returns sats it spent. */
  attack(field: Field, signal: AbortSignal): Promise<number>;
}

const nobody: Attacker = { kind: '–', what: 'nobody', attack: () => Promise.resolve(0) };

/** Their 10050 names four relays that take everything and never say OK. */
const slowRelays: Attacker = {
  kind: 'S1',
  what: '30 strangers whose relays never say OK, a message a second each',
  attack: async (field, signal) => {
    const silent = await Promise.all(Array.from({ length: 4 }, () => startFakeRelay({ ok: 'never' })));
    const strangers = Array.from({ length: 30 }, () => generateSecretKey());
    for (const key of strangers) {
      const tags = silent.map(({ url }) => ['relay', url]);
      field.home.inject(finalizeEvent({ kind: 10050, created_at: now(), content: '', tags }, key));
    }
    await repeat(signal, 1000, (round) => {
      for (const key of strangers) tell(field, key, `quote How are you today, for the ${round}th time?`);
    });
    await Promise.all(silent.map((relay) => relay.close()));
    return 0;
  },
};

/** Invoices that lapse within seconds, taken up again and again. */
const reopeners: Attacker = {
  kind: 'S4',
  what: '20 strangers who reopen lapsed jobs as fast as they may',
  settings: { INVOICE_EXPIRY_SECONDS: '20' },
  attack: async (field, signal) => {
    const strangers = await several(20, () => openCustomer(field.relays, field.timmy));
    await repeat(signal, 1000, async () => {
      for (const one of strangers) {
        const ids = one.ear.messages.flatMap(({ text }) => /^(J-\w{5})/.exec(text)?.[1] ?? []);
        const words = ids.length < 3 ? `job ${Math.random()} please write a poem` : `invoice ${ids[ids.length % 3]}`;
        await one.say(words);
      }
    });
    await Promise.all(strangers.map((one) => one.close()));
    return 0;
  },
};

/** As many bytes as a DM carries, as fast as the relay takes them. Made beforehand: their making is not our cost. */
const stock: string[] = [];
const hoarder: Attacker = {
  kind: 'S5',
  what: 'one npub, 300 messages of 34 kB at once, then ten a second',
  prepare: async ({ timmy }) => {
    const key = generateSecretKey();
    while (stock.length < 900) {
      const content = `${stock.length} ${'many words '.repeat(3100)}`;
      const tags = [['p', timmy]];
      const event = wrapEvent({ kind: 14, content, tags, created_at: now() + stock.length }, key, timmy);
      stock.push(JSON.stringify(['EVENT', event]));
      if (stock.length % 20 === 0) await pause(1);
    }
  },
  attack: async (field, signal) => {
    const send = (count: number): void => stock.splice(0, count).forEach((text) => transmit(field, text));
    send(300);
    await repeat(signal, 1000, () => send(10));
    return 0;
  },
};

/** Five refunds whose payee holds them. */
const holder: Attacker = {
  kind: 'S8',
  what: 'one npub with eight refunds that its node holds',
  settings: { LIMIT_NEW_PER_HOUR: '100' },
  prepare: async (field) => {
    const one = await openCustomer(field.relays, field.timmy);
    let spent = 0;
    for (let n = 0; n < 8; n++) spent += await buyAndHold(one, field, n);
    await one.close();
    return void spent;
  },
  attack: () => Promise.resolve(8 * 139),
};

/** The same words, as fast as they may be said. */
const parrots: Attacker = {
  kind: 'S12',
  what: 'ten npubs who say paid, refund and status, three a second each',
  attack: async (field, signal) => {
    const strangers = await several(10, () => openCustomer(field.relays, field.timmy));
    await repeat(signal, 1000, async () => {
      for (const one of strangers) for (const word of ['paid', 'refund', 'status']) await one.say(word);
    });
    await Promise.all(strangers.map((one) => one.close()));
    return 0;
  },
};

/** Thousands of wraps that open to nothing, and a relay that loses us now and then. */
const junk: Attacker = {
  kind: 'S13',
  what: '5,000 junk wraps in the relay, which drops every connection each ten seconds',
  prepare: async (field) => {
    for (let n = 0; n < 5000; n++) {
      const key = generateSecretKey();
      const dated = now() - (n % 170_000);
      const tags = [['p', field.timmy]];
      field.home.inject(
        finalizeEvent({ kind: 1059, created_at: dated, tags, content: JUNK[n % JUNK.length] ?? '' }, key),
      );
      if (n % 50 === 49) await pause(1);
    }
    await pause(5000);
  },
  attack: async (field, signal) => {
    await repeat(signal, 10_000, () => field.home.dropAll(field.timmy));
    return 0;
  },
};

/** Payloads of the right shape that open to nothing. */
const JUNK = Array.from({ length: 8 }, (_, n) => Buffer.alloc(300, n + 2).toString('base64'));

/** Thousands of invoices that nobody paid: see `lapsed.ts`, which makes them before the daemon starts. */
const lapsed: Attacker = {
  kind: 'S7',
  what: '5,000 invoices that lapsed within the last day; no pushes',
  attack: () => Promise.resolve(0),
};

export const ATTACKERS: readonly Attacker[] = [nobody, slowRelays, reopeners, hoarder, lapsed, holder, parrots, junk];

async function buyAndHold(one: Customer, { lnbits }: Field, n: number): Promise<number> {
  await one.say(`job A question about holding, number ${n}`);
  const pay = async (): Promise<void> => void lnbits.payInvoice((await one.ear.takeText(/^lnbc\w+$/))[0]);
  await pay();
  await pay();
  const [, change = '0'] = await one.ear.takeText(/(\d+) yours/);
  await one.say(lnbits.receiveInvoice(Number(change) * 1000, { ...scripts.inFlight(3600), answer: 'in_flight' }));
  await pause(1200);
  return 139;
}

/** One message over one socket, fire and forget. */
const sockets = new Map<string, WebSocket>();
function tell(field: Field, key: Uint8Array, content: string): void {
  const { timmy } = field;
  const event = wrapEvent({ kind: 14, content, tags: [['p', timmy]], created_at: now() }, key, timmy);
  transmit(field, JSON.stringify(['EVENT', event]));
}

function transmit({ relays }: Field, text: string): void {
  const url = relays[0] ?? '';
  let socket = sockets.get(url);
  if (socket === undefined || socket.readyState > WebSocket.OPEN) {
    socket = new WebSocket(url);
    socket.on('error', () => {});
    sockets.set(url, socket);
  }
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
  else socket.once('open', () => socket?.send(text));
}

async function several<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) made.push(await make());
  return made;
}

async function repeat(signal: AbortSignal, everyMs: number, act: (round: number) => unknown): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    await act(round);
    await pause(everyMs);
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
