/** The settings a node reads, by their names. */
export interface BootstrapSettings {
  readonly BOOTSTRAP_FEE_SATS: number;
  readonly BOOTSTRAP_TERM_HOURS?: string | undefined;
  readonly BOOTSTRAP_MIN_TERM_HOURS: string;
  readonly BOOTSTRAP_ALLOW_LOSS: boolean;
  readonly BOOTSTRAP_MAX_ACTIVE: number;
  readonly BOOTSTRAP_MAX_MONTHLY_USD: string;
  readonly BOOTSTRAP_REGIONS: readonly string[];
  readonly BOOTSTRAP_SIZES: readonly string[];
  readonly BOOTSTRAP_WARN_HOURS: readonly string[];
  readonly BOOTSTRAP_GRACE_HOURS: string;
  readonly BOOTSTRAP_BOOT_TIMEOUT_S: number;
  readonly BOOTSTRAP_ANNOUNCE_TIMEOUT_S: number;
  readonly BOOTSTRAP_NODE_IMPL: 'core' | 'knots';
  readonly DO_REGION: string;
  readonly DO_REGION_FALLBACK?: string | undefined;
  readonly DO_SIZE: string;
  readonly DO_VOLUME_SIZE_GB: number;
  readonly DO_IMAGE: string;
  readonly ORIGINATOR_MARGIN_PCT: string;
  readonly INVOICE_EXPIRY_SECONDS: number;
  readonly REFUND_ASK_MIN_SATS: number;
  readonly TIMMY_ALLOW_PRIVATE_NETWORK: boolean;
}

/** Seconds of a setting in hours, at least one. */
export function secondsOfHours(hours: string): number {
  return Math.max(1, Math.round(Number(hours) * 3600));
}
