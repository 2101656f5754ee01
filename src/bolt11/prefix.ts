import { MAX_MSATS, msats, type Msats } from '../lib/units.ts';
import type { Network } from '../ports/wallet.ts';

/** BOLT 11's currency prefixes (BIP 173 for `bc`, `tb`, `bcrt`; signet is `tbs`). */
const CURRENCY: Readonly<Record<Network, string>> = { bitcoin: 'bc', testnet: 'tb', signet: 'tbs', regtest: 'bcrt' };

/** Tenths of a millisatoshi in one unit of each multiplier; a whole bitcoin is 10^11 msats. */
const UNIT_IN_TENTH_MSATS: readonly (readonly [string, bigint])[] = [
  ['', 1_000_000_000_000n],
  ['m', 1_000_000_000n],
  ['u', 1_000_000n],
  ['n', 1_000n],
  ['p', 1n],
];

export interface Prefix {
  readonly network: Network;
  /** Exact; null when the invoice leaves the amount to the payer. */
  readonly amountMsats: Msats | null;
}

/**
 * Reads the human-readable part (`lnbc2500u`). Exact: no float, `p` must end in 0 (no fraction of a msat), no
 * leading zero, 1 … 10^15 msats.
 */
export function parsePrefix(prefix: string): Prefix | { readonly invalid: 'prefix' | 'network' | 'amount' } {
  const parts = /^ln(bcrt|bc|tbs|tb)(.*)$/.exec(prefix);
  if (!parts) return { invalid: /^ln[a-z]+\d*[a-z]?$/.test(prefix) ? 'network' : 'prefix' };
  const network = (Object.keys(CURRENCY) as Network[]).find((name) => CURRENCY[name] === parts[1]);
  if (network === undefined) return { invalid: 'network' };
  const amountText = parts[2] ?? '';
  if (amountText === '') return { network, amountMsats: null };
  const amount = /^([1-9]\d{0,18})([munp]?)$/.exec(amountText);
  const unit = UNIT_IN_TENTH_MSATS.find(([letter]) => letter === amount?.[2]);
  if (!amount || !unit) return { invalid: 'amount' };
  const tenths = BigInt(amount[1] ?? '') * unit[1];
  if (tenths % 10n !== 0n || tenths / 10n > MAX_MSATS) return { invalid: 'amount' };
  return { network, amountMsats: msats(tenths / 10n) };
}

/** Writes the human-readable part, with the largest multiplier that is exact. */
export function renderPrefix(network: Network, amountMsats: bigint | null): string {
  const currency = `ln${CURRENCY[network]}`;
  if (amountMsats === null) return currency;
  const tenths = amountMsats * 10n;
  const unit = UNIT_IN_TENTH_MSATS.find(([, size]) => tenths % size === 0n) ?? ['p', 1n];
  return `${currency}${tenths / unit[1]}${unit[0]}`;
}
