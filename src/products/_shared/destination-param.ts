import { refuse, type Refusal } from '../../lib/errors.ts';
import { whyUnpayable } from '../../lib/lightning-address.ts';
import { parseDestination } from '../../messaging/dialects/text/index.ts';

/**
 * A parameter that says where money goes back to: a Lightning address or LNURL that leads to a public host. Null: none
 * was given.
 */
export function destinationParam(
  name: string,
  value: string | undefined,
  allowPrivateNetwork: boolean,
): string | null | Refusal {
  if (value === undefined) return null;
  const typed = parseDestination(value);
  const why =
    typed === null || typed.kind === 'bolt11' ? 'malformed' : whyUnpayable(typed.value, { allowPrivateNetwork });
  if (why === null && typed !== null) return typed.value;
  return refuse('bad_destination', `${name} takes a Lightning address or LNURL that leads to a public host.`, { why });
}
