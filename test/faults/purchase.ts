import { asNeighbour, type Stage } from './stage.ts';
import { ends } from './verdict.ts';
import { scripts } from '../fakes/lnbits/index.ts';

/** Said when the wallet could not make an invoice within half a minute. */
export const NONE = /no invoice could be made just now, so nothing was created and nothing was charged/;

/** Asks until an invoice comes: it may be said that none can be made just now. */
export async function invoiceInTheEnd(stage: Stage): Promise<string> {
  await stage.guest.say('job Why is the sky blue?');
  const answer = await stage.hears(new RegExp(`^lnbc|${NONE.source}`));
  return answer.startsWith('lnbc') ? answer : stage.asks();
}

export async function payAndGet(stage: Stage, bolt11: string): Promise<void> {
  if (!stage.fake.payInvoice(bolt11)) throw new Error('the invoice could not be paid');
  await stage.hears(/ yours\. receipt/);
}

/**
 * Money came for what no longer waits for it: it is owed back, and paid back. (It may wait after all: who finds at a new
 * start that an invoice has run out meanwhile gives a fresh one.)
 */
export async function comesTooLate(stage: Stage): Promise<void> {
  const heard = await stage.hears(/sats came for .* no longer waits| yours\. receipt/);
  const [, sats] = /^(\d+) sats came for/.exec(heard) ?? [];
  if (sats !== undefined) await ends(stage, await stage.refund(Number(sats) * 1000), 'paid');
}

/** Payments of a neighbour for which LNbits waits, one after the other, five seconds each, and lets all else wait. */
export async function hangs(stage: Stage, payments: number): Promise<void> {
  const { fake } = stage;
  const neighbour = fake.addWallet('Neighbour', 5000);
  for (let i = 0; i < payments; i++) {
    const bolt11 = fake.receiveInvoice(1000, scripts.slow(9_000));
    asNeighbour(stage, neighbour, { out: true, bolt11 }).catch(() => undefined);
  }
  const arrived = (): number => fake.requests.filter(({ key }) => key === neighbour.adminkey).length;
  while (arrived() < payments) await new Promise((resolve) => setImmediate(resolve));
}
