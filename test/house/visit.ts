import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { decodeInvoice, encodeInvoice } from '../../src/bolt11/index.ts';
import { OutsideError } from '../../src/lib/errors.ts';
import { sha256Hex } from '../../src/lib/hash.ts';
import type { UnixSeconds } from '../../src/lib/units.ts';
import { generateSecretKey } from '../../src/nostr/keys.ts';
import { verifyEverything } from '../../src/operator/verify.ts';
import { CATALOGUE } from '../../src/products/catalogue.ts';
import type { Agent } from '../../src/ports/agent.ts';
import { settled } from '../builders/fresh-database.ts';
import { openHouse, RELAY, rng, type Guest, type House } from '../builders/house.ts';
import { createHandClock, type HandClock } from '../fakes/hand-clock.ts';
import { createRelayHub } from '../fakes/relay-hub.ts';

/** An agent whose calls wait until the test lets them go on. */
export interface SlowAgent extends Agent {
  letGo(): void;
}

export function createSlowAgent(): SlowAgent {
  const stub = createStubAgent();
  const waiting: (() => void)[] = [];
  const turn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push(resolve);
      signal.addEventListener('abort', () => reject(new OutsideError('unknown', 'model.aborted')), { once: true });
    });
  return {
    kind: 'stub',
    letGo: () => waiting.shift()?.(),
    evaluate: async (request, signal) => {
      await turn(signal);
      return stub.evaluate(request, signal);
    },
    work: async (request, signal) => {
      await turn(signal);
      return stub.work(request, signal);
    },
  };
}

/** A house whose time the test moves. */
export interface Visit {
  readonly house: House;
  readonly clock: HandClock;
  readonly guest: Guest;
  /** Lets all happen that is due now, and then in each of the coming seconds. */
  pass(seconds?: number): Promise<void>;
  /** Pays, and tells the wallet's watcher so. */
  pay(bolt11: string): Promise<void>;
  /** What the guest heard since the last time, ids masked: `J-XXXXX`, `<invoice for 10>`. */
  news(): Promise<string[]>;
  /** A customer's invoice, of now where no date is given. */
  invoice(amountSats: number, timestamp?: UnixSeconds): string;
  /** Every invariant of the books. */
  broken(): unknown[];
  count(sql: string): number;
  /** Stops the house, with whatever still runs in it, and opens it again on the same file (`path`). */
  restart(): Promise<void>;
  /** Stops the house, with whatever still runs in it. */
  close(): Promise<void>;
}

export async function visit(options: Parameters<typeof openHouse>[0] & { clock?: HandClock } = {}): Promise<Visit> {
  const { clock = createHandClock(), alsoSold } = options;
  const faces = [...(alsoSold?.wares ?? []), ...CATALOGUE].flatMap((ware) => ware.faces);
  const kept = { hub: createRelayHub([RELAY]), secretKey: generateSecretKey(rng), ...options, clock };
  let house = await openHouse(kept);
  const guest = await house.guest();
  let read = 0;
  const pass = async (seconds = 0): Promise<void> => {
    for (let turn = 0; turn < 8; turn++) await settled();
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await settled();
      await settled();
    }
  };
  const close = async (): Promise<void> => {
    const closed = house.close();
    await settled();
    clock.advance(5000);
    await closed;
  };
  return {
    get house() {
      return house;
    },
    clock,
    guest,
    pass,
    pay: async (bolt11) => {
      house.pay(bolt11);
      house.timmy.onWalletHint(null);
      await pass();
    },
    news: async () => {
      await pass();
      const fresh = guest.heard.slice(read).map(masked);
      read = guest.heard.length;
      return fresh;
    },
    invoice: (amountSats, timestamp = clock.now()) =>
      encodeInvoice(
        {
          network: 'regtest',
          amountMsats: BigInt(amountSats) * 1000n,
          timestamp,
          expirySeconds: 3600,
          description: 'change',
          paymentHash: sha256Hex(rng.bytes(32)),
          paymentSecret: sha256Hex(rng.bytes(32)),
        },
        rng.bytes(32),
      ),
    broken: () => verifyEverything(house.database.read, null, faces),
    count: (sql) => house.database.read.$client.prepare(sql).pluck().get() as number,
    restart: async () => {
      if (options.path === undefined) throw new Error('a house without a file has one life');
      await close();
      house = await openHouse(kept);
    },
    close,
  };
}

function masked(text: string): string {
  const invoice = decodeInvoice(text);
  const prefix = text.startsWith('lightning:') ? 'lightning:' : '';
  if (!('invalid' in invoice)) return `${prefix}<invoice for ${Number(invoice.amountMsats ?? 0n) / 1000}>`;
  return text.replace(/\b([A-Z])-[0-9A-Z]{5}\b/g, '$1-XXXXX');
}
