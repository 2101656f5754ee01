import { choice, httpUrl, int, secret } from '../kinds.ts';

const key = 'an LNbits key, without spaces';

/** The wallet and how long its invoices live; without it a stub wallet stands in. */
export const lightning = {
  LNBITS_URL: httpUrl({
    about: 'LNbits server, without /api. Unset together with the key: stub wallet.',
    notEnding: '/api',
  }),
  LNBITS_API_KEY: secret({
    about: 'Key of the LNbits wallet. An admin key pays refunds; with an invoice key alone they wait.',
    expected: key,
    credential: 'lnbits-api-key',
  }),
  LNBITS_ADMIN_KEY: secret({
    about: 'Admin key of the same wallet, where LNBITS_API_KEY is its invoice key.',
    expected: key,
    credential: 'lnbits-admin-key',
  }),
  LIGHTNING_NETWORK: choice({
    about: 'Network of all invoices; others are refused. Unset: bitcoin, and regtest for the stub wallet.',
    words: ['bitcoin', 'testnet', 'signet', 'regtest'],
  }),
  INVOICE_EXPIRY_SECONDS: int({
    about: 'How long an invoice can be paid.',
    unit: 'seconds',
    default: 3600,
    min: 5,
    max: 604_800,
  }),
  REFUND_PROBE_SECONDS: int({
    about: 'How soon a payment that the wallet calls failed is asked about again.',
    unit: 'seconds',
    default: 60,
    min: 1,
    max: 86_400,
  }),
  REFUND_AUTO_MIN_SATS: int({
    about: 'Least sum that is paid back unasked where the destination is known.',
    unit: 'sats',
    default: 1,
    min: 1,
    max: 1_000_000,
  }),
  REFUND_ASK_MIN_SATS: int({
    about: 'Least sum for which a customer is asked where to send it.',
    unit: 'sats',
    default: 10,
    min: 1,
    max: 1_000_000,
  }),
  REFUND_MAX_SATS: int({
    about: 'Largest single refund that is paid without a person; above it waits and alerts.',
    unit: 'sats',
    default: 50_000,
    min: 1,
    max: 100_000_000,
  }),
  REFUND_DAILY_SATS: int({
    about: 'Refunds that leave the wallet within 24 hours; above it they wait and alert.',
    unit: 'sats',
    default: 200_000,
    min: 1,
    max: 1_000_000_000,
  }),
  REFUND_MAX_IN_FLIGHT: int({
    about: 'Refunds sent whose outcome is not known yet; more wait.',
    unit: 'payments',
    default: 5,
    min: 1,
    max: 100,
  }),
  REFUND_IN_FLIGHT_FLOOR_SATS: int({
    about: 'Refunds in flight hold a fifth of the wallet together, or this much where that is more.',
    unit: 'sats',
    default: 20_000,
    min: 0,
    max: 100_000_000,
  }),
  REFUND_FEE_DAILY_SATS: int({
    about: 'Routing fees a day that refunds may cost us; then they wait for the next. 0: nothing is paid back unasked.',
    unit: 'sats',
    default: 1000,
    min: 0,
    max: 100_000_000,
  }),
};
