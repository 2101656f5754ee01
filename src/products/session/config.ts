import type { QuoteTiers, TariffSettings } from '../../pricing/index.ts';

/** The settings a session reads, by their names. */
export interface SessionSettings extends TariffSettings, QuoteTiers {
  readonly SESSION_MIN_DEPOSIT_SATS: number;
  readonly SESSION_MAX_DEPOSIT_SATS: number;
  readonly SESSION_MIN_BALANCE_SATS: number;
  readonly SESSION_EXPIRY_HOURS: string;
  readonly SESSION_MEMORY_TOKENS: number;
  readonly INVOICE_EXPIRY_SECONDS: number;
  readonly WORK_MAX_OUTPUT_TOKENS: number;
  readonly REFUND_ASK_MIN_SATS: number;
  readonly LIMIT_MESSAGE_CHARS: number;
  readonly LIMIT_RUNNING: number;
  readonly TIMMY_ALLOW_PRIVATE_NETWORK: boolean;
}

/** What a deposit or a top-up may be. Sats. */
export function boundsOf(settings: Pick<SessionSettings, 'SESSION_MIN_DEPOSIT_SATS' | 'SESSION_MAX_DEPOSIT_SATS'>): {
  readonly min: number;
  readonly max: number;
} {
  return { min: settings.SESSION_MIN_DEPOSIT_SATS, max: settings.SESSION_MAX_DEPOSIT_SATS };
}
