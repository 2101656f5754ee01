import { OutsideError } from '../../lib/errors.ts';
import { parseLightningAddress, parseLnurl } from '../../lib/lightning-address.ts';
import type { Log } from '../../lib/log.ts';
import type { Msats } from '../../lib/units.ts';
import type { LnurlPay } from '../../ports/lnurl.ts';
import { checkAmount, invoiceUrl, readInvoice, readPayRequest, type PayRequest } from './answers.ts';

/** One guarded GET of a stranger's URL; the app hands in the adapter of `adapters/outbound`. */
export type GuardedGet = (
  url: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

export interface LnurlOptions {
  readonly get: GuardedGet;
  /** `TIMMY_ALLOW_PRIVATE_NETWORK`: `user@host:port` over http. */
  readonly allowPrivateNetwork: boolean;
  readonly log: Log;
}

/**
 * LNURL-pay (LUD-06) and Lightning addresses (LUD-16): two guarded GETs, and the invoice that the second one brought.
 * The callback goes through the same door as the address. Beside the door's own `outbound.…` codes, throws
 * `rejected` `lnurl.bad_destination`, `.no_such_address`, `.refused` (they said ERROR), `.amount_too_small`,
 * `.amount_too_large`, `.bad_answer`, `.wrong_amount`; `unavailable` `lnurl.down` (429, 5xx).
 */
export function createLnurlPay({ get, allowPrivateNetwork, log }: LnurlOptions): LnurlPay {
  async function ask(url: string, signal: AbortSignal): Promise<unknown> {
    const { status, body } = await get(url, signal);
    if (status === 429 || status >= 500) throw new OutsideError('unavailable', 'lnurl.down');
    // LUD-06 answers errors with any status and a body that says so; without one, the status speaks.
    const answer = parseJson(body);
    if (isError(answer)) throw new OutsideError('rejected', status === 404 ? 'lnurl.no_such_address' : 'lnurl.refused');
    if (status === 404 || status === 410) throw new OutsideError('rejected', 'lnurl.no_such_address');
    if (status !== 200 || answer === undefined) throw new OutsideError('rejected', 'lnurl.bad_answer');
    return answer;
  }

  async function payRequestOf(
    destination: string,
    signal: AbortSignal,
  ): Promise<{ readonly payRequest: PayRequest; readonly address: string | null }> {
    const address = parseLightningAddress(destination, { allowPrivateNetwork });
    const url = address?.url ?? parseLnurl(destination, { allowPrivateNetwork });
    if (url === null) throw new OutsideError('rejected', 'lnurl.bad_destination');
    return { payRequest: readPayRequest(await ask(url, signal)), address: address?.address ?? null };
  }

  return {
    async resolve(destination: string, signal: AbortSignal): Promise<void> {
      await payRequestOf(destination, signal);
    },
    async invoice(destination: string, amountMsats: Msats, signal: AbortSignal): Promise<string> {
      const { payRequest, address } = await payRequestOf(destination, signal);
      checkAmount(payRequest, amountMsats);
      if (address !== null && !payRequest.identifiers.includes(address)) log.debug('lnurl.other_identifier');
      return readInvoice(await ask(invoiceUrl(payRequest, amountMsats), signal), amountMsats);
    },
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function isError(answer: unknown): boolean {
  const status = typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined;
  return typeof status === 'string' && status.toUpperCase() === 'ERROR';
}
