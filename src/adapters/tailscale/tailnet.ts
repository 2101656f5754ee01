import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { Tailnet, TailnetDevice } from '../../ports/cloud.ts';
import { jsonSender, Pace, type JsonAnswer, type JsonCall, type SendJson } from '../http/index.ts';
import { Bearer, type TailscaleAccess } from './access.ts';
import { isAbsent, refusal } from './refusals.ts';

export interface TailscaleOptions {
  /** `TAILSCALE_API_BASE_URL`, without `/api/v2`. */
  readonly url: string;
  readonly access: TailscaleAccess;
  /** Its name; `-` is the one of the key. */
  readonly tailnet: string;
  /** `tag:…`: what our nodes carry, and by which we know them. */
  readonly tag: string;
  readonly clock: Clock;
  /** On average; default 1. */
  readonly callsPerSecond?: number;
}

const TIMEOUT_MS = 20_000;

/** Ids as they come, before they go into a path. */
const id = z.string().regex(/^[A-Za-z0-9]{1,100}$/);
const keyShape = z.object({
  id,
  key: z.string().min(1).max(300),
  expires: z.iso.datetime().transform((text) => unixSeconds(Math.floor(Date.parse(text) / 1000))),
});
const devicesShape = z.object({
  devices: z
    .array(
      z.object({
        nodeId: id,
        name: z.string().max(300),
        hostname: z.string().max(300),
        tags: z.array(z.string()).max(100).optional(),
      }),
    )
    .max(10_000),
});

/** Tailscale's API v2 (https://tailscale.com/api), as much of it as lets nodes in and out. */
export function createTailscale(options: TailscaleOptions): Tailnet {
  return new Tailscale(options);
}

class Tailscale implements Tailnet {
  readonly #send: SendJson;
  readonly #bearer: Bearer;
  readonly #pace: Pace;
  readonly #path: string;
  readonly #tag: string;

  constructor({ url, access, tailnet, tag, clock, callsPerSecond = 1 }: TailscaleOptions) {
    this.#send = jsonSender('tailnet', url, clock);
    this.#bearer = new Bearer(access, this.#send, clock);
    this.#pace = new Pace('tailnet', clock, callsPerSecond);
    this.#path = `/api/v2/tailnet/${encodeURIComponent(tailnet)}`;
    this.#tag = tag;
  }

  async createKey(
    { description, expirySeconds }: { description: string; expirySeconds: number },
    signal: AbortSignal,
  ): Promise<{ id: string; key: Secret; expiresAt: UnixSeconds }> {
    if (!/^[A-Za-z0-9 -]{1,50}$/.test(description)) throw new RangeError('not a description of a key');
    const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [this.#tag] };
    const body = { capabilities: { devices: { create } }, expirySeconds, description };
    const answer = await this.#call(
      { method: 'POST', path: `${this.#path}/keys`, body: { json: body }, lost: 'unknown' },
      signal,
    );
    if (!isSuccess(answer)) throw refusal(answer, true);
    const made = keyShape.safeParse(answer.json);
    if (!made.success) throw new OutsideError('unknown', 'tailnet.nonsense');
    return { id: made.data.id, key: new Secret(made.data.key), expiresAt: made.data.expires };
  }

  async deleteKey(keyId: string, signal: AbortSignal): Promise<void> {
    await this.#destroy(`${this.#path}/keys/${checked(keyId)}`, signal);
  }

  async findDevices(hostname: string, signal: AbortSignal): Promise<readonly TailnetDevice[]> {
    const answer = await this.#call({ method: 'GET', path: `${this.#path}/devices`, lost: 'unavailable' }, signal);
    if (!isSuccess(answer)) throw refusal(answer, false);
    const found = devicesShape.safeParse(answer.json);
    if (!found.success) throw new OutsideError('unavailable', 'tailnet.nonsense');
    return found.data.devices
      .filter((device) => device.hostname === hostname && device.tags?.includes(this.#tag) === true)
      .map(({ nodeId, name }) => ({ id: nodeId, name }));
  }

  async deleteDevice(deviceId: string, signal: AbortSignal): Promise<void> {
    await this.#destroy(`/api/v2/device/${checked(deviceId)}`, signal);
  }

  async #destroy(path: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#call({ method: 'DELETE', path, lost: 'unavailable' }, signal);
    if (!isSuccess(answer) && !isAbsent(answer)) throw refusal(answer, false);
  }

  /** A token can end before its time (the client was changed): then it is asked for once more. */
  async #call(
    call: Pick<JsonCall, 'method' | 'path' | 'body' | 'lost'>,
    signal: AbortSignal,
    again = true,
  ): Promise<JsonAnswer> {
    await this.#pace.turn(call.method === 'GET' ? 'other' : 'first', signal);
    const value = await this.#bearer.current(signal);
    const key = { header: 'authorization', value };
    const answer = await this.#send({ timeoutMs: TIMEOUT_MS, ...call, key }, signal);
    if (answer.status !== 401 || !again || !this.#bearer.forget(value)) return answer;
    return await this.#call(call, signal, false);
  }
}

function isSuccess(answer: JsonAnswer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** An empty or strange id in the path of a DELETE could name something else. */
function checked(text: string): string {
  if (!id.safeParse(text).success) throw new RangeError('not an id of Tailscale');
  return text;
}
