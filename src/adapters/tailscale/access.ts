import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { SendJson } from '../http/index.ts';
import { refusal } from './refusals.ts';

/** What opens the API: a key, or an OAuth client that is given tokens of an hour. */
export type TailscaleAccess =
  { readonly apiKey: Secret } | { readonly clientId: string; readonly clientSecret: Secret };

const TIMEOUT_MS = 20_000;
/** A token is renewed this long before its end: a call must not begin with one and arrive with none. */
const RENEW_BEFORE_MS = 120_000;

const tokenShape = z.object({ access_token: z.string().min(1).max(4096), expires_in: z.number().positive() });

/** The bearer of the next call. */
export class Bearer {
  readonly #access: TailscaleAccess;
  readonly #send: SendJson;
  readonly #clock: Clock;
  /** `untilMs` is monotonic. */
  #token: { bearer: Secret; untilMs: number } | null = null;

  constructor(access: TailscaleAccess, send: SendJson, clock: Clock) {
    this.#access = access;
    this.#send = send;
    this.#clock = clock;
  }

  async current(signal: AbortSignal): Promise<Secret> {
    if ('apiKey' in this.#access) return bearer(this.#access.apiKey.expose());
    const now = this.#clock.monotonicMs();
    if (this.#token === null || this.#token.untilMs <= now) this.#token = await this.#fetch(this.#access, signal);
    return this.#token.bearer;
  }

  /** It was refused: the next call fetches another. False: there is no other. */
  forget(refused: Secret): boolean {
    if ('apiKey' in this.#access) return false;
    if (this.#token?.bearer === refused) this.#token = null;
    return true;
  }

  async #fetch(
    access: Extract<TailscaleAccess, { clientId: string }>,
    signal: AbortSignal,
  ): Promise<{ bearer: Secret; untilMs: number }> {
    const form = new URLSearchParams({ client_id: access.clientId, client_secret: access.clientSecret.expose() });
    const answer = await this.#send(
      {
        method: 'POST',
        path: '/api/v2/oauth/token',
        key: null,
        body: { form: new Secret(form.toString()) },
        timeoutMs: TIMEOUT_MS,
        lost: 'unavailable',
      },
      signal,
    );
    if (answer.status === 400 || answer.status === 401) throw new OutsideError('rejected', 'unauthorized');
    if (answer.status !== 200) throw refusal(answer, false);
    const parsed = tokenShape.safeParse(answer.json);
    if (!parsed.success) throw new OutsideError('unavailable', 'tailnet.nonsense');
    const { access_token: token, expires_in: seconds } = parsed.data;
    return { bearer: bearer(token), untilMs: this.#clock.monotonicMs() + seconds * 1000 - RENEW_BEFORE_MS };
  }
}

function bearer(token: string): Secret {
  return new Secret(`Bearer ${token}`);
}
