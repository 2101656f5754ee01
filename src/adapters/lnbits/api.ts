import type { z } from 'zod';
import { OutsideError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { JsonAnswer, JsonCall, Pace, SendJson, Urgency } from '../http/index.ts';
import { problemShape } from './shapes.ts';

/** Reads may have to wait for LNbits' one database lock (5 s for each payment that hangs). */
const READ_TIMEOUT_MS = 20_000;
/** An outgoing payment in flight is a long poll of 30 s behind LND. */
const OUTGOING_TIMEOUT_MS = 45_000;
const PAY_TIMEOUT_MS = 60_000;

/**
 * LNbits counts each path by itself: `/payments`, where invoices are made and paid, is one; every look at a payment has
 * a path of its own. So they are paced apart, lest open invoices being watched keep new ones from being made.
 */
export interface Paces {
  readonly calls: Pace;
  readonly looks: Pace;
}

/** LNbits' HTTP interface as calls: paced, with the key in the header, and with its errors told apart. */
export class LnbitsApi {
  readonly #send: SendJson;
  readonly #paces: Paces;

  constructor(send: SendJson, paces: Paces) {
    this.#send = send;
    this.#paces = paces;
  }

  /** A read whose answer must have this shape. Throws `OutsideError` for anything else. */
  async read<T>(
    path: string,
    key: Secret | null,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    urgency: Urgency = 'other',
  ): Promise<T> {
    return shaped(
      refuseErrors(await this.#call({ method: 'GET', path, key }, signal, this.#paces.calls, urgency)),
      shape,
    );
  }

  /** GET of a payment by hash; null: "Payment does not exist." Outgoing ones may take half a minute. */
  async find<T>(
    paymentHash: string,
    outgoing: boolean,
    key: Secret,
    shape: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    const path = `/api/v1/payments/${paymentHash}`;
    const timeoutMs = outgoing ? OUTGOING_TIMEOUT_MS : READ_TIMEOUT_MS;
    const answer = await this.#call({ method: 'GET', path, key, timeoutMs }, signal, this.#paces.looks);
    if (answer.status === 404 && detailOf(answer) === 'Payment does not exist.') return null;
    return shaped(refuseErrors(answer), shape);
  }

  /** Creates an invoice. A lost answer leaves an orphan that nobody was shown: `unavailable`, ask again. */
  async create<T>(
    body: { amount: number; memo: string; expiry: number; extra: object },
    key: Secret,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    urgency: Urgency = 'other',
  ): Promise<T> {
    // `out` defaults to true there: without it this would try to pay.
    const json = { out: false, unit: 'sat', ...body };
    const call = { method: 'POST', path: '/api/v1/payments', key, body: { json } } as const;
    const answer = await this.#call(call, signal, this.#paces.calls, urgency);
    if (answer.status === 520) {
      const problem = problemShape.safeParse(answer.json);
      const nodeFailed = !problem.success || problem.data.status !== 'failed';
      throw nodeFailed
        ? new OutsideError('unavailable', 'wallet.node_down')
        : new OutsideError('rejected', 'wallet.invoice_refused');
    }
    if (answer.status === 400) throw new OutsideError('rejected', 'wallet.invoice_refused');
    return shaped(refuseErrors(answer), shape);
  }

  /** Posts a payment and hands the answer on unjudged. Throws `unknown` when it may have arrived and no answer came. */
  async pay(bolt11: string, extra: object, key: Secret, signal: AbortSignal): Promise<JsonAnswer> {
    const call = {
      method: 'POST',
      path: '/api/v1/payments',
      key,
      body: { json: { out: true, bolt11, extra } },
      timeoutMs: PAY_TIMEOUT_MS,
      lost: 'unknown',
    } as const;
    const answer = await this.#call(call, signal, this.#paces.calls, 'payment');
    // These come before the handler runs: nothing was sent.
    if (isRefusedBeforeRunning(answer)) refuseErrors(answer);
    return answer;
  }

  async #call(
    call: Partial<Omit<JsonCall, 'key'>> & Pick<JsonCall, 'method' | 'path'> & { readonly key: Secret | null },
    signal: AbortSignal,
    pace = this.#paces.calls,
    urgency: Urgency = 'other',
  ): Promise<JsonAnswer> {
    await pace.turn(urgency, signal);
    const key = call.key === null ? null : { header: 'x-api-key', value: call.key };
    return await this.#send({ timeoutMs: READ_TIMEOUT_MS, lost: 'unavailable', ...call, key }, signal);
  }
}

function shaped<T>(answer: JsonAnswer, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(answer.json);
  if (!parsed.success) throw new OutsideError('unavailable', 'wallet.nonsense');
  return parsed.data;
}

/** Only LNbits' own words are a final no; the same number from a proxy in front of it means "try later". */
function refuseErrors(answer: JsonAnswer): JsonAnswer {
  if (answer.status === 200 || answer.status === 201) return answer;
  const detail = detailOf(answer);
  if (answer.status === 404 && detail === 'Wallet not found.') throw new OutsideError('rejected', 'wallet.bad_key');
  if (FORBIDDEN.has(detail) && (answer.status === 401 || answer.status === 403)) {
    throw new OutsideError('rejected', 'wallet.forbidden');
  }
  if (answer.status === 429) throw new OutsideError('unavailable', 'wallet.busy', { retryAfterSeconds: 15 });
  // LNbits redirects everything before its first install, and a proxy does when the URL is not quite right.
  if (answer.status >= 300 && answer.status < 400) throw new OutsideError('unavailable', 'wallet.redirected');
  throw new OutsideError('unavailable', `wallet.http_${answer.status}`);
}

const FORBIDDEN: ReadonlySet<string> = new Set([
  'No Api Key provided.',
  'Invalid adminkey.',
  'Invoice (or Admin) key required.',
]);

function isRefusedBeforeRunning(answer: JsonAnswer): boolean {
  const { status } = answer;
  const redirected = status >= 300 && status < 400;
  return redirected || status === 429 || ([401, 403, 404].includes(status) && detailOf(answer) !== '');
}

function detailOf(answer: JsonAnswer): string {
  const problem = problemShape.safeParse(answer.json);
  return problem.success && typeof problem.data.detail === 'string' ? problem.data.detail : '';
}
