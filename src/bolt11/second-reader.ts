import { decode } from 'light-bolt11-decoder';
import type { Invoice } from './decode.ts';

/**
 * A second opinion before money leaves: another author's reader (light-bolt11-decoder, which checks the bech32
 * checksum but no signature) must see the same amount, payment hash and date. Two readers that disagree mean that one of
 * them is being fooled; nobody can say which, so nothing is paid.
 */
export function secondReaderAgrees(invoice: Invoice): boolean {
  try {
    const { sections } = decode(invoice.text);
    const valueOf = (name: string): unknown =>
      (sections.find((section) => section.name === name) as { value?: unknown } | undefined)?.value;
    // Its amount is text in msats, and absent where the payer chooses.
    const amount = valueOf('amount');
    const amountMsats = typeof amount === 'string' && /^\d{1,19}$/.test(amount) ? BigInt(amount) : null;
    return (
      amountMsats === invoice.amountMsats &&
      valueOf('payment_hash') === invoice.paymentHash &&
      valueOf('timestamp') === invoice.timestamp
    );
  } catch {
    return false;
  }
}
