import { createHash } from 'node:crypto';
import { Secret } from '../../src/lib/secret.ts';
import { sats, unixSeconds } from '../../src/lib/units.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import type { Signer } from '../../src/nostr/signer.ts';
import { tariffFrom } from '../../src/pricing/index.ts';
import type { BootstrapCharge, JobCharge, ReceiptPlace, SessionCharge, SessionEnd } from '../../src/receipts/index.ts';

const signerOf = (byte: number): Signer =>
  createLocalSigner(new Secret(new Uint8Array(32).fill(byte)), { bytes: (n) => new Uint8Array(n) });
export const timmy = signerOf(1);
export const stranger = signerOf(2);
export const hash = (n: number): string => createHash('sha256').update(`hash ${n}`).digest('hex');
export const CUSTOMER = 'c'.repeat(64);

export const TARIFF = tariffFrom(
  {
    EVAL_MODEL: 'claude-haiku-4-5',
    WORK_MODEL: 'claude-sonnet-4-6',
    HAIKU_INPUT_COST_PER_1K_TOKENS: '0.0008',
    HAIKU_OUTPUT_COST_PER_1K_TOKENS: '0.004',
    SONNET_INPUT_COST_PER_1K_TOKENS: '0.003',
    SONNET_OUTPUT_COST_PER_1K_TOKENS: '0.015',
    DO_MONTHLY_COST_USD: '100',
    DO_MONTHLY_REQUEST_VOLUME: 1000,
    ORIGINATOR_MARGIN_PCT: '25',
  },
  { usdMicros: 100_000_000_000n, source: 'median(coingecko,coinbase,kraken)' },
);

export const EVAL = {
  role: 'eval',
  inputTokens: 380,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
  outputTokens: 30,
} as const;
/** (58 × 0.003 + 120 × 0.015)/1000 + 0.1 = 0.101974 USD; × 1.25 = 0.1274675 → 127.4675 → 128 sats */
export const WORK = {
  role: 'work',
  inputTokens: 58,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
  outputTokens: 120,
} as const;

/** Paid in one: look and work in one receipt. */
export const job = (changes: Partial<JobCharge> = {}): JobCharge => ({
  product: 'job',
  id: 'J-4KQ7M',
  outcome: 'complete',
  tariff: TARIFF,
  evalFeeSats: sats(10),
  quote: { inputTokens: 62, outputTokens: 200, amountSats: sats(129) },
  payments: [{ purpose: 'order', amountSats: sats(139), paymentHash: hash(5) }],
  items: [EVAL, WORK],
  cut: false,
  ...changes,
});

export const session = (changes: Partial<SessionCharge> = {}): SessionCharge => ({
  product: 'session',
  id: 'R-00001',
  session: 'S-AAAAA',
  outcome: 'complete',
  tariff: TARIFF,
  payments: [{ purpose: 'deposit', amountSats: sats(500), paymentHash: hash(3) }],
  items: [EVAL, WORK],
  cut: false,
  limitSats: sats(500),
  balanceBeforeSats: sats(500),
  ...changes,
});

/** A month, of which ten days were used where it ended early. */
export const TERM = { from: unixSeconds(1_800_000_000), until: unixSeconds(1_802_592_000), endedAt: null } as const;
export const NEXT_TERM = { from: TERM.until, until: unixSeconds(1_805_184_000), endedAt: null } as const;
export const ENDED = { ...TERM, endedAt: unixSeconds(1_800_864_000) } as const;

export const bootstrap = (
  outcome: BootstrapCharge['outcome'],
  changes: Partial<BootstrapCharge> = {},
): BootstrapCharge => ({
  product: 'bootstrap',
  id: 'B-00001',
  outcome,
  feeSats: sats(10_000),
  payments: [{ purpose: 'bootstrap', amountSats: sats(10_000), paymentHash: hash(4) }],
  term: { complete: TERM, renewed: NEXT_TERM, failed: null, ended_early: ENDED }[outcome],
  ...changes,
});

export const place = (previous: string | null = null): ReceiptPlace => ({
  customer: CUSTOMER,
  previous,
  at: unixSeconds(1_800_000_000),
});
export const evalOnly = {
  payments: [{ purpose: 'eval', amountSats: sats(10), paymentHash: hash(1) }],
  items: [EVAL],
} as const;

/** Paid in two: first the look, then, in a receipt of its own, the work. */
export const accepted = (changes: Partial<JobCharge> = {}): JobCharge =>
  job({ outcome: 'accepted', ...evalOnly, ...changes });
export const later = (changes: Partial<JobCharge> = {}): JobCharge =>
  job({
    evalFeeSats: sats(0),
    payments: [{ purpose: 'work', amountSats: sats(129), paymentHash: hash(2) }],
    items: [WORK],
    ...changes,
  });

export const sessionEnd = (changes: Partial<SessionEnd> = {}): SessionEnd => ({
  product: 'session',
  session: 'S-AAAAA',
  outcome: 'ended',
  payments: [],
  balanceBeforeSats: sats(372),
  returnedSats: sats(372),
  ...changes,
});
