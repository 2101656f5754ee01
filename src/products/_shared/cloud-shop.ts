import type { Secret } from '../../lib/secret.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { Cloud, Tailnet } from '../../ports/cloud.ts';

/** What nodes are made with. */
export interface CloudShop {
  readonly cloud: Cloud;
  /** Null: nodes join no tailnet. */
  readonly tailnet: Tailnet | null;
  /** Proves a node to us, once; derived, so that it is nowhere kept. 43 characters of base64url. */
  claimOf(orderId: string, attempt: number): string;
  /** What the host is made from at its first boot. @throws where it does not fit (`node-image/`). */
  userData(wish: UserDataWish): Secret;
}

export interface UserDataWish {
  readonly orderId: string;
  readonly attempt: number;
  /** The customer's key, hex. */
  readonly owner: string;
  readonly voice: 'words' | 'rpc';
  readonly hostname: string;
  readonly region: string;
  readonly size: string;
  readonly impl: 'core' | 'knots';
  readonly pruneMib: number;
  readonly volumeName: string | null;
  readonly tailscaleKey: Secret | null;
  readonly termEndsAt: UnixSeconds;
}
