import type { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { Pace, type JsonAnswer, type JsonCall, type SendJson, type Urgency } from '../http/index.ts';
import { isAbsent, refusal } from './refusals.ts';
import { totalShape } from './shapes.ts';

const TIMEOUT_MS = 30_000;
const PER_PAGE = 200;
/** 4,000 of a kind: nobody rents so many nodes, and a list without end is none. */
const MAX_PAGES = 20;
/** What is left of the hour's requests is kept for what makes and destroys. */
const KEPT_FOR_CHANGES = 100;

/**
 * Digital Ocean's HTTP interface as calls. We stay under its limits (5,000 an hour, 250 a minute) by a pace of our own;
 * what others do with the same token is seen in its headers, and then reads wait.
 */
export class DigitalOceanApi {
  readonly #send: SendJson;
  readonly #token: Secret;
  readonly #clock: Clock;
  readonly #pace: Pace;
  /** Monotonic. Until then reads are not even sent. */
  #readsClosedUntilMs = -Infinity;
  #closedUntilMs = -Infinity;

  constructor(send: SendJson, options: { token: Secret; clock: Clock; callsPerSecond: number }) {
    this.#send = send;
    this.#token = new Secret(`Bearer ${options.token.expose()}`);
    this.#clock = options.clock;
    this.#pace = new Pace('cloud', options.clock, options.callsPerSecond, 40);
  }

  async read<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return this.#shaped(await this.#call({ method: 'GET', path }, signal), shape, 'unavailable');
  }

  /** Null: the cloud says that there is none. */
  async find<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null> {
    const answer = await this.#call({ method: 'GET', path }, signal);
    return isAbsent(answer) ? null : this.#shaped(answer, shape, 'unavailable');
  }

  /** All of a list, page by page; the pages' own links are not followed. `path` ends with `?` or `&`. */
  async all<T>(path: string, shape: z.ZodType<readonly T[]>, signal: AbortSignal): Promise<readonly T[]> {
    const rows: T[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const answer = await this.#call({ method: 'GET', path: `${path}per_page=${PER_PAGE}&page=${page}` }, signal);
      const found = this.#shaped(answer, shape, 'unavailable');
      rows.push(...found);
      const { meta } = this.#shaped(answer, totalShape, 'unavailable');
      if (found.length === 0 || page * PER_PAGE >= meta.total) return rows;
    }
    throw new OutsideError('unavailable', 'cloud.too_many');
  }

  /** Makes something. Whatever does not say clearly that it was made or refused is `unknown`: look it up. */
  async create<T>(path: string, body: object, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return this.#shaped(
      await this.#call({ method: 'POST', path, body: { json: body }, lost: 'unknown' }, signal),
      shape,
      'unknown',
    );
  }

  async replace(path: string, body: object, signal: AbortSignal): Promise<void> {
    const answer = await this.#call({ method: 'PUT', path, body: { json: body } }, signal);
    if (!isSuccess(answer)) throw refusal(answer, false, this.#clock.now());
  }

  /** Asks to destroy one thing; that it is not there is as good. */
  async destroy(path: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#call({ method: 'DELETE', path }, signal);
    if (!isSuccess(answer) && !isAbsent(answer)) throw refusal(answer, false, this.#clock.now());
  }

  async #call(
    call: Pick<JsonCall, 'method' | 'path'> & Partial<Omit<JsonCall, 'key'>>,
    signal: AbortSignal,
  ): Promise<JsonAnswer> {
    const urgency: Urgency = call.method === 'GET' ? 'other' : 'first';
    this.#refuseWhileClosed(urgency);
    await this.#pace.turn(urgency, signal);
    this.#refuseWhileClosed(urgency);
    const key = { header: 'authorization', value: this.#token };
    const answer = await this.#send({ timeoutMs: TIMEOUT_MS, lost: 'unavailable', ...call, key }, signal);
    this.#heed(answer);
    return answer;
  }

  #shaped<T>(answer: JsonAnswer, shape: z.ZodType<T>, otherwise: 'unavailable' | 'unknown'): T {
    if (!isSuccess(answer)) throw refusal(answer, otherwise === 'unknown', this.#clock.now());
    const parsed = shape.safeParse(answer.json);
    if (!parsed.success) throw new OutsideError(otherwise, 'cloud.nonsense');
    return parsed.data;
  }

  #heed(answer: JsonAnswer): void {
    const now = this.#clock.monotonicMs();
    if (answer.status === 429) {
      const seconds = refusal(answer, false, this.#clock.now()).retryAfterSeconds ?? 30;
      this.#closedUntilMs = now + seconds * 1000;
      return;
    }
    const left = answer.header('ratelimit-remaining');
    const limit = Number(answer.header('ratelimit-limit') ?? NaN);
    if (left === null || !Number.isFinite(limit)) return;
    // The window slides: in a minute a sixtieth of it has come back.
    if (Number(left) < Math.min(KEPT_FOR_CHANGES, limit / 10)) this.#readsClosedUntilMs = now + 60_000;
  }

  #refuseWhileClosed(urgency: Urgency): void {
    const until = urgency === 'other' ? Math.max(this.#readsClosedUntilMs, this.#closedUntilMs) : this.#closedUntilMs;
    const seconds = Math.ceil((until - this.#clock.monotonicMs()) / 1000);
    if (seconds > 0) throw new OutsideError('unavailable', 'cloud.rate_limited', { retryAfterSeconds: seconds });
  }
}

function isSuccess(answer: JsonAnswer): boolean {
  return answer.status >= 200 && answer.status < 300;
}
