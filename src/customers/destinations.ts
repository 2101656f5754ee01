import type { Reader, Tx } from '../db/index.ts';
import { failingOf, forgetFailures } from './failing-addresses.ts';
import { findCustomer, setPreferences, type Customer } from './store.ts';

/**
 * Where this customer's money can be sent: the destination they asked for last, else the one they stored, else the
 * Lightning address in their profile; null where none is known. One that was given up is passed over until they name
 * it again.
 */
export function knownDestination(reader: Reader, pubkey: string): string | null {
  const known = findCustomer(reader, pubkey);
  if (known === undefined) return null;
  const givenUp = failingOf(reader, pubkey).filter((one) => one.givenUpAt !== null);
  return candidates(known).find((one) => !givenUp.some(({ destination }) => destination === one)) ?? null;
}

/** Where it is sent unasked: nowhere with `refunds off`, nor with `keep on`, for then it pays their next step. */
export function automaticDestination(reader: Reader, pubkey: string): string | null {
  const known = findCustomer(reader, pubkey);
  return known?.refundsOn === true && !known.keepOn ? knownDestination(reader, pubkey) : null;
}

/** They asked for their money there: from now on refunds go there first. */
export function askFor(tx: Tx, pubkey: string, destination: string): void {
  forgetFailures(tx, pubkey, destination);
  setPreferences(tx, pubkey, { lastDestination: destination });
}

/** `refund_to`: where refunds go, and nowhere that was asked for before; null forgets it. */
export function storeDestination(tx: Tx, pubkey: string, destination: string | null): void {
  if (destination !== null) forgetFailures(tx, pubkey, destination);
  setPreferences(tx, pubkey, { refundTo: destination, lastDestination: null });
}

function candidates({ lastDestination, refundTo, lud16 }: Customer): string[] {
  return [lastDestination, refundTo, lud16].filter((one) => one !== null);
}
