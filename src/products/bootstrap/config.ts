/** The settings a node reads, by their names. */
export interface BootstrapSettings {
  readonly BOOTSTRAP_FEE_SATS: number;
  readonly BOOTSTRAP_TERM_HOURS?: string | undefined;
  readonly BOOTSTRAP_MIN_TERM_HOURS: string;
  readonly BOOTSTRAP_ALLOW_LOSS: boolean;
  readonly BOOTSTRAP_MAX_ACTIVE: number;
  readonly NODE_ENV: string;
  readonly TIMMY_ALLOW_STUBS: boolean;
  readonly DO_API_TOKEN?: unknown;
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

/** Are nodes sold at all? In production no stub stands in for a cloud, unless that is wanted; then there are none. */
export function areNodesOffered(
  settings: Pick<BootstrapSettings, 'BOOTSTRAP_MAX_ACTIVE' | 'NODE_ENV' | 'TIMMY_ALLOW_STUBS' | 'DO_API_TOKEN'>,
): boolean {
  const { BOOTSTRAP_MAX_ACTIVE: most, NODE_ENV, TIMMY_ALLOW_STUBS: mayStub, DO_API_TOKEN: token } = settings;
  return most > 0 && (token !== undefined || NODE_ENV !== 'production' || mayStub);
}

/** Seconds of a setting in hours, at least one. */
export function secondsOfHours(hours: string): number {
  return Math.max(1, Math.round(Number(hours) * 3600));
}
