import { renderUnicodeCompact } from 'uqr';

/** The invoice that a message consists of, in lower case and without `lightning:`, or null: invoices travel alone. */
export function invoiceIn(text: string): string | null {
  const match = /^(?:lightning:)?(ln(?:bc|tb|bcrt|tbs)\d*[munp]?1[02-9ac-hj-np-z]{100,})$/i.exec(text.trim());
  return match?.[1]?.toLowerCase() ?? null;
}

/**
 * The invoice as a QR code of block characters, two modules in a line's height, or null when it is wider than
 * `columns`. Capitals, for QR has a denser alphabet for them, which every wallet reads.
 */
export function invoiceQr(bolt11: string, columns: number): string | null {
  const code = renderUnicodeCompact(`LIGHTNING:${bolt11.toUpperCase()}`, { ecc: 'L', border: 2 });
  const width = code.slice(0, code.indexOf('\n')).length;
  return width <= columns ? code : null;
}
