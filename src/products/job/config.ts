import type { QuoteTiers, TariffSettings } from '../../pricing/index.ts';

/** The settings a job reads, by their names. */
export interface JobSettings extends TariffSettings, QuoteTiers {
  readonly EVAL_FEE_SATS: number;
  readonly JOB_ONE_INVOICE: 'offer' | 'off' | 'always';
  readonly TEXT_JOIN_SECONDS: number;
  readonly INVOICE_EXPIRY_SECONDS: number;
  readonly WORK_MAX_OUTPUT_TOKENS: number;
  readonly MODEL_RETRY_SECONDS: number;
  readonly REFUND_ASK_MIN_SATS: number;
  readonly TIMMY_ALLOW_PRIVATE_NETWORK: boolean;
  readonly LIMIT_MESSAGE_CHARS: number;
  readonly LIMIT_RUNNING: number;
}
