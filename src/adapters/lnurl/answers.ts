import { z } from 'zod';
import { OutsideError } from '../../lib/errors.ts';
import type { Msats } from '../../lib/units.ts';

/** A checked `payRequest` (LUD-06). */
export interface PayRequest {
  readonly callback: URL;
  readonly minMsats: bigint;
  readonly maxMsats: bigint;
  /** `text/identifier` and `text/email` entries of the metadata, lower-case (LUD-16). */
  readonly identifiers: readonly string[];
}

/** Some servers write amounts as text; both spellings are whole numbers of msats. */
const wholeMsats = z.union([z.int().min(0), z.string().regex(/^\d{1,16}$/)]).transform((value) => BigInt(value));

const payRequestSchema = z.object({
  tag: z.literal('payRequest'),
  callback: z.string().max(2048),
  minSendable: wholeMsats,
  maxSendable: wholeMsats,
  metadata: z.string().max(32_768),
});

const metadataSchema = z.array(z.tuple([z.string()], z.unknown())).max(100);

const invoiceSchema = z.object({ pr: z.string().min(20).max(7089) });

/** @throws OutsideError `rejected` `lnurl.bad_answer`. */
export function readPayRequest(answer: unknown): PayRequest {
  const parsed = payRequestSchema.safeParse(answer);
  if (!parsed.success || !URL.canParse(parsed.data.callback)) throw badAnswer();
  const { callback, minSendable, maxSendable, metadata } = parsed.data;
  if (minSendable < 1n || maxSendable < minSendable) throw badAnswer();
  const entries = metadataSchema.safeParse(parseJson(metadata));
  if (!entries.success || entries.data.filter(([type]) => type === 'text/plain').length !== 1) throw badAnswer();
  const identifiers = entries.data.flatMap(([type, value]) =>
    (type === 'text/identifier' || type === 'text/email') && typeof value === 'string' ? [value.toLowerCase()] : [],
  );
  return { callback: new URL(callback), minMsats: minSendable, maxMsats: maxSendable, identifiers };
}

/** @throws OutsideError `rejected` `lnurl.amount_too_small` or `lnurl.amount_too_large`. */
export function checkAmount({ minMsats, maxMsats }: PayRequest, amountMsats: Msats): void {
  if (amountMsats < minMsats) throw new OutsideError('rejected', 'lnurl.amount_too_small');
  if (amountMsats > maxMsats) throw new OutsideError('rejected', 'lnurl.amount_too_large');
}

/** The callback with our amount; whatever amount it already carried goes. */
export function invoiceUrl({ callback }: PayRequest, amountMsats: Msats): string {
  const url = new URL(callback);
  url.searchParams.set('amount', amountMsats.toString());
  url.hash = '';
  return url.href;
}

/**
 * The invoice, whose human-readable part must say exactly `amountMsats` (BOLT 11); everything else in it is checked
 * by `bolt11/` before it is paid. Lower-case.
 * @throws OutsideError `rejected` `lnurl.bad_answer` or `lnurl.wrong_amount`.
 */
export function readInvoice(answer: unknown, amountMsats: Msats): string {
  const parsed = invoiceSchema.safeParse(answer);
  if (!parsed.success) throw badAnswer();
  const { pr } = parsed.data;
  const match = /^ln(?:bcrt|bc|tbs|tb)(?:(\d{1,12})([munp]?))?1[02-9ac-hj-np-z]+$/.exec(pr.toLowerCase());
  if (match === null || (pr !== pr.toLowerCase() && pr !== pr.toUpperCase())) throw badAnswer();
  const [, digits, multiplier = ''] = match;
  // Tenths of a msat, so that the smallest multiplier (p, a tenth of a msat) is whole.
  const tenths = digits === undefined ? null : BigInt(digits) * (TENTHS_OF_MSAT[multiplier] ?? 0n);
  if (tenths !== amountMsats * 10n) throw new OutsideError('rejected', 'lnurl.wrong_amount');
  return pr.toLowerCase();
}

const TENTHS_OF_MSAT: Readonly<Record<string, bigint>> = {
  '': 1_000_000_000_000n,
  m: 1_000_000_000n,
  u: 1_000_000n,
  n: 1000n,
  p: 1n,
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function badAnswer(): OutsideError {
  return new OutsideError('rejected', 'lnurl.bad_answer');
}
