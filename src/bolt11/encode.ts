import { bech32 } from '@scure/base';
import type { UnixSeconds } from '../lib/units.ts';
import type { Network } from '../ports/wallet.ts';
import { FIELD, type FieldName } from './fields.ts';
import { renderPrefix } from './prefix.ts';
import { payeeOf, signWords } from './signature.ts';
import { bytesToWords, numberToWords } from './words.ts';

export interface InvoiceDraft {
  readonly network: Network;
  /** ≥ 1, or null to leave the amount to the payer. */
  readonly amountMsats: bigint | null;
  readonly timestamp: UnixSeconds;
  readonly expirySeconds: number;
  /** ≤ 639 bytes; or `descriptionHash`, 64 hex characters. */
  readonly description?: string;
  readonly descriptionHash?: string;
  readonly paymentHash: string;
  readonly paymentSecret: string;
  /** Blocks; default 18. */
  readonly minFinalCltv?: number;
  /** Feature bits; default 8 and 14 (variable onion, payment secret), required as every invoice of today does. */
  readonly features?: readonly number[];
  /** Names the payee in an `n` field instead of leaving it to recovery. */
  readonly namePayee?: boolean;
}

/**
 * A real signed BOLT 11 invoice, lower case. `secretKey` is the payee's node key, 32 bytes.
 * @throws RangeError when a field cannot hold what it is given.
 */
export function encodeInvoice(draft: InvoiceDraft, secretKey: Uint8Array): string {
  if (draft.amountMsats !== null && draft.amountMsats < 1n) throw new RangeError('an invoice asks for at least 1 msat');
  const data = [
    ...numberToWords(draft.timestamp, 7),
    ...field('p', hexWords(draft.paymentHash)),
    ...field('s', hexWords(draft.paymentSecret)),
    ...(draft.descriptionHash === undefined
      ? field('d', bytesToWords(Buffer.from(draft.description ?? '')))
      : field('h', hexWords(draft.descriptionHash))),
    ...field('x', numberToWords(draft.expirySeconds)),
    ...field('c', numberToWords(draft.minFinalCltv ?? 18)),
    ...(draft.namePayee === true ? field('n', hexWords(payeeOf(secretKey))) : []),
    ...field('9', featureWords(draft.features ?? [8, 14])),
  ];
  return signInvoice(renderPrefix(draft.network, draft.amountMsats), data, secretKey);
}

/** Signs prefix and data words as they are and adds the checksum: tests make their broken invoices with it. */
export function signInvoice(prefix: string, data: readonly number[], secretKey: Uint8Array): string {
  return bech32.encode(prefix, [...data, ...signWords(prefix, data, secretKey)], false);
}

/** One tagged field. @throws RangeError above 1023 words. */
export function field(name: FieldName, words: readonly number[]): number[] {
  if (words.length > 1023) throw new RangeError(`field ${name} is too long`);
  return [FIELD[name], ...numberToWords(words.length, 2), ...words];
}

function hexWords(hex: string): number[] {
  return bytesToWords(Buffer.from(hex, 'hex'));
}

function featureWords(bits: readonly number[]): number[] {
  const words = Array.from({ length: Math.floor(Math.max(0, ...bits) / 5) + 1 }, () => 0);
  for (const bit of bits) {
    const at = words.length - 1 - Math.floor(bit / 5);
    words[at] = (words[at] ?? 0) | (1 << (bit % 5));
  }
  return words;
}
