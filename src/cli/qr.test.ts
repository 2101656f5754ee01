import { expect, it } from 'vitest';
import { invoiceIn, invoiceQr } from './qr.ts';

const INVOICE = `lnbcrt100n1${'q'.repeat(240)}`;

it('knows an invoice that is alone in its message, in either case and with the prefix', () => {
  for (const text of [INVOICE, `  ${INVOICE.toUpperCase()}\n`, `lightning:${INVOICE}`])
    expect(invoiceIn(text)).toBe(INVOICE);
  for (const text of [`pay ${INVOICE}`, 'lnbc1', 'hello', `${INVOICE} ${INVOICE}`]) expect(invoiceIn(text)).toBeNull();
});

it('draws it where there is room, and not where lines would break', () => {
  const code = invoiceQr(INVOICE, 80);
  const rows = code?.split('\n') ?? [];
  expect(rows.length).toBeGreaterThan(20);
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  expect(invoiceQr(INVOICE, 40)).toBeNull();
});
