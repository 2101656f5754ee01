import type { Reader } from '../../db/index.ts';
import { awaySeconds, wasAway } from '../../downtime/index.ts';
import { unixSeconds } from '../../lib/units.ts';
import type { InvoiceRow } from '../../payments/index.ts';

/** Its end cannot be moved: what ended while we were away, or lost a tenth of its life to that, was cut short. */
export function wasCut(reader: Reader, invoice: Pick<InvoiceRow, 'createdAt' | 'expiresAt'> | undefined): boolean {
  if (invoice?.expiresAt == null) return false;
  const [from, to] = [unixSeconds(invoice.createdAt), unixSeconds(invoice.expiresAt)];
  return wasAway(reader, to) || awaySeconds(reader, from, to) * 10 >= to - from;
}
