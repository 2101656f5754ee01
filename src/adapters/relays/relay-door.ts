import { OutsideError } from '../../lib/errors.ts';
import { pinnedLookup, resolveChecked, type DoorRules } from '../outbound/index.ts';
import type { Admit } from './ws-socket.ts';

/**
 * Keeps strangers' relay lists from pointing us at our own network: what the operator named
 * (`trusted`, normalised URLs) may be anywhere; all else must be wss and lead to public addresses only, looked up
 * once and pinned.
 */
export function relayDoor(trusted: readonly string[], rules: DoorRules): Admit {
  const isTrusted = new Set(trusted);
  return async (url) => {
    if (isTrusted.has(url)) return null;
    const { protocol, hostname } = new URL(url);
    const isDenied = (rules.deniedHosts ?? []).includes(hostname.replace(/\.$/, ''));
    if (isDenied || (protocol !== 'wss:' && !rules.allowPrivateNetwork)) {
      throw new OutsideError('rejected', 'outbound.bad_url');
    }
    return pinnedLookup(await resolveChecked(new URL(url), rules));
  };
}
