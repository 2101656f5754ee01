import type { Customer } from './store.ts';

/**
 * Where this customer's refunds go by themselves: the destination they asked for last, else the one they stored, else
 * the Lightning address in their profile; null where none is known, or they switched refunds off. One that failed for
 * an hour is passed over until they name it again.
 */
export function automaticDestination(customer: Customer): string | null {
  if (!customer.refundsOn) return null;
  const candidates = [customer.lastDestination, customer.refundTo, customer.lud16];
  return candidates.find((one) => one !== null && one !== customer.badDestination) ?? null;
}
