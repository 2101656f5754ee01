import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { OutsideError } from '../../lib/errors.ts';
import { sleep, type Clock } from '../../lib/clock.ts';
import { isPublicAddress } from './addresses.ts';

/** All addresses of a host name, asked once. Throws an error with a `code` (`ENOTFOUND`) as node:dns does. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export const resolveBySystem: Resolve = async (hostname) =>
  (await systemLookup(hostname, { all: true, verbatim: true })).map((found) => found.address);

export interface DoorRules {
  readonly clock: Clock;
  /** `TIMMY_ALLOW_PRIVATE_NETWORK`: http, any port, any address. Development and tests only. */
  readonly allowPrivateNetwork: boolean;
  /** Host names that strangers may never make us call (our own wallet's). */
  readonly deniedHosts?: readonly string[];
  readonly resolve?: Resolve;
}

const DNS_TIMEOUT_MS = 2000;

/**
 * A stranger's URL, if it may be asked at all: https on port 443, no user, a host.
 * @throws OutsideError `rejected` `outbound.bad_url`.
 */
export function checkUrl(text: string, rules: DoorRules): URL {
  const url = text.length <= 2048 && URL.canParse(text) ? new URL(text) : null;
  const isAllowed =
    url !== null &&
    (url.protocol === 'https:' || (rules.allowPrivateNetwork && url.protocol === 'http:')) &&
    (url.port === '' || rules.allowPrivateNetwork) &&
    url.username === '' &&
    url.password === '' &&
    url.hostname !== '' &&
    !(rules.deniedHosts ?? []).includes(url.hostname.replace(/\.$/, ''));
  if (!isAllowed) throw new OutsideError('rejected', 'outbound.bad_url');
  return url;
}

/**
 * The addresses behind a URL's host, looked up once; whoever connects must use exactly these. One address that is not
 * public condemns them all: a name that answers with both is an attack or a mistake.
 * @throws OutsideError `rejected` (`outbound.no_such_host`, `outbound.forbidden_address`) or `unavailable` (`outbound.dns`).
 */
export async function resolveChecked(url: URL, rules: DoorRules): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await resolveInTime(host, rules) : [host];
  if (addresses.length === 0) throw new OutsideError('rejected', 'outbound.no_such_host');
  if (!rules.allowPrivateNetwork && !addresses.every(isPublicAddress)) {
    throw new OutsideError('rejected', 'outbound.forbidden_address');
  }
  return addresses;
}

/** A `lookup` for node:net (and for the `ws` client) that knows nothing but `addresses`: no second question is asked. */
export function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = all;
    if (first === undefined) callback(new Error('no address'), '', 0);
    else if (options.all === true) callback(null, all);
    else callback(null, first.address, first.family);
  };
}

async function resolveInTime(
  host: string,
  { clock, resolve = resolveBySystem }: DoorRules,
): Promise<readonly string[]> {
  const stop = new AbortController();
  const late = sleep(clock, DNS_TIMEOUT_MS, stop.signal).then(() => null);
  try {
    const addresses = await Promise.race([resolve(host), late]);
    if (addresses === null) throw new OutsideError('unavailable', 'outbound.dns');
    return addresses;
  } catch (error) {
    if (error instanceof OutsideError) throw error;
    const isUnknown = error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOTFOUND';
    if (isUnknown) throw new OutsideError('rejected', 'outbound.no_such_host', { cause: error });
    throw new OutsideError('unavailable', 'outbound.dns', { cause: error });
  } finally {
    stop.abort();
  }
}
