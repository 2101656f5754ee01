import { bech32 } from '@scure/base';
import { plusSeconds, unixSeconds, type Msats, type UnixSeconds } from '../lib/units.ts';
import type { Network } from '../ports/wallet.ts';
import { splitFields, unknownRequiredFeature } from './fields.ts';
import { parsePrefix } from './prefix.ts';
import { recoverPayee, SIGNATURE_WORDS } from './signature.ts';
import { wordsToBytes, wordsToNumber } from './words.ts';

/** An invoice read strictly by BOLT 11. Hashes, secrets and keys are lower-case hex. */
export interface Invoice {
  /** The one spelling of it that we store and compare: lower case, nothing around it. */
  readonly text: string;
  readonly network: Network;
  /** Exact, ≥ 1; null when the payer may choose. */
  readonly amountMsats: Msats | null;
  readonly timestamp: UnixSeconds;
  /** `x`, or 3600 without one; at most 2^35, which ends after every date that BOLT 11 can write. */
  readonly expirySeconds: number;
  readonly expiresAt: UnixSeconds;
  readonly paymentHash: string;
  readonly paymentSecret: string;
  /** Exactly one of the two is there. */
  readonly description: string | null;
  readonly descriptionHash: string | null;
  /** Blocks; `c`, or 18 without one. */
  readonly minFinalCltv: number;
  /** A feature we must understand to pay, and do not. */
  readonly unknownRequiredFeature: number | null;
  /** See `splitFields`: readable, but not to be paid. */
  readonly irregular: boolean;
  /** The payee's node: `n` verified, or recovered from the signature (see `recoverPayee` for what that proves). */
  readonly payee: string;
}

/** Why a text is no invoice. Short codes of ours, for logs and tests; customers get words made from the caller's code. */
export type InvalidCode =
  | 'too_long'
  | 'bech32'
  | 'too_short'
  | 'prefix'
  | 'network'
  | 'amount'
  | 'fields'
  | 'duplicate_field'
  | 'payment_hash'
  | 'payment_secret'
  | 'description'
  | 'signature';

export interface InvalidInvoice {
  readonly invalid: InvalidCode;
}

/** The longest text that is looked at: what the largest QR code holds. */
const MAX_CHARACTERS = 7089;
const TIMESTAMP_WORDS = 7;
const DEFAULT_EXPIRY_SECONDS = 3600;
/**
 * A date has 35 bits: with this, an invoice of any date has not ended yet. A lower bound would make an invoice that is
 * dated back by it, and never ends, look as if it ended now.
 */
const MAX_EXPIRY_SECONDS = 2 ** 35;
const DEFAULT_MIN_FINAL_CLTV = 18;

/** Is this meant to be an invoice, however broken? (Then a request for work it is not.) */
export function looksLikeInvoice(text: string): boolean {
  return /^(lightning:(\/\/)?)?ln(bcrt|bc|tbs|tb|sb)[a-z0-9]{20,}$/i.test(text.trim());
}

/**
 * Reads an invoice: checksum, prefix, every field once, signature. White space around it and a `lightning:` before
 * it are dropped. Says nothing of whether it should be paid: see `checkIssued` and `checkPayable`. Never throws.
 */
export function decodeInvoice(given: string): Invoice | InvalidInvoice {
  if (given.length > MAX_CHARACTERS + 32) return { invalid: 'too_long' };
  const text = given.trim().replace(/^lightning:(\/\/)?/i, '');
  if (text.length > MAX_CHARACTERS) return { invalid: 'too_long' };
  // Checks the checksum, the alphabet, and that upper and lower case are not mixed.
  const decoded = bech32.decodeUnsafe(text, MAX_CHARACTERS);
  if (!decoded) return { invalid: 'bech32' };
  const { prefix: humanPart, words } = decoded;
  const prefix = parsePrefix(humanPart);
  if ('invalid' in prefix) return prefix;
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) return { invalid: 'too_short' };
  const data = words.slice(0, -SIGNATURE_WORDS);
  const fields = splitFields(data.slice(TIMESTAMP_WORDS));
  if ('invalid' in fields) return fields;

  const { p, s, d, h, n, x, c, '9': features } = fields.found;
  if (p === undefined) return { invalid: 'payment_hash' };
  if (s === undefined) return { invalid: 'payment_secret' };
  if ((d === undefined) === (h === undefined)) return { invalid: 'description' };
  const description = d === undefined ? null : utf8(wordsToBytes(d));
  if (d !== undefined && description === null) return { invalid: 'description' };
  const payee = recoverPayee(humanPart, data, words.slice(-SIGNATURE_WORDS), n === undefined ? null : hex(n));
  if (payee === null) return { invalid: 'signature' };

  const timestamp = unixSeconds(wordsToNumber(data.slice(0, TIMESTAMP_WORDS)));
  const expirySeconds = x === undefined ? DEFAULT_EXPIRY_SECONDS : Math.min(wordsToNumber(x), MAX_EXPIRY_SECONDS);
  return {
    text: text.toLowerCase(),
    network: prefix.network,
    amountMsats: prefix.amountMsats,
    timestamp,
    expirySeconds,
    expiresAt: plusSeconds(timestamp, expirySeconds),
    paymentHash: hex(p),
    paymentSecret: hex(s),
    description,
    descriptionHash: h === undefined ? null : hex(h),
    minFinalCltv: c === undefined ? DEFAULT_MIN_FINAL_CLTV : wordsToNumber(c),
    unknownRequiredFeature: features === undefined ? null : unknownRequiredFeature(features),
    irregular: fields.irregular,
    payee,
  };
}

function hex(words: readonly number[]): string {
  return Buffer.from(wordsToBytes(words)).toString('hex');
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
