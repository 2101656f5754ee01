import type { TariffSettings } from '../../pricing/index.ts';

/** The settings that free answers read, by their names. */
export interface DemoSettings extends TariffSettings {
  readonly DEMO_REQUESTS_PER_HOUR: number;
  readonly DEMO_ALL_REQUESTS_PER_HOUR: number;
  /** A decimal, USD. */
  readonly DEMO_DAILY_BUDGET_USD: string;
  readonly DEMO_MAX_CHARS: number;
  readonly DEMO_OUTPUT_TOKENS: number;
}
