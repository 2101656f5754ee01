import { createHash } from 'node:crypto';
import { Secret } from '../../src/lib/secret.ts';
import { sats, unixSeconds } from '../../src/lib/units.ts';
import { createLocalSigner } from '../../src/nostr/local-signer.ts';
import type { Signer } from '../../src/nostr/signer.ts';
import { tariffFrom } from '../../src/pricing/index.ts';
import type { BootstrapCharge, JobCharge, ReceiptPlace, SessionCharge } from '../../src/receipts/index.ts';

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

export const job = (changes: Partial<JobCharge> = {}): JobCharge => ({
  product: 'job',
  id: 'J-4KQ7M',
  outcome: 'complete',
  tariff: TARIFF,
  evalFeeSats: sats(10),
  quote: { inputTokens: 62, outputTokens: 200, amountSats: sats(129) },
  payments: [
    { purpose: 'eval', amountSats: sats(10), paymentHash: hash(1) },
    { purpose: 'work', amountSats: sats(129), paymentHash: hash(2) },
  ],
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
  balanceBeforeSats: sats(500),
  ...changes,
});

export const bootstrap = (outcome: BootstrapCharge['outcome']): BootstrapCharge => ({
  product: 'bootstrap',
  id: 'B-00001',
  outcome,
  feeSats: sats(10_000),
  payments: [{ purpose: 'bootstrap', amountSats: sats(10_000), paymentHash: hash(4) }],
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
export const prepaid = { payments: [{ purpose: 'order', amountSats: sats(139), paymentHash: hash(5) }] } as const;
