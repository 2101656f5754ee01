/** NIP-01 shapes. Ids and keys are 64 lower-case hex characters, signatures 128, times unix seconds. */
export interface Rumor {
  readonly id: string;
  readonly pubkey: string;
  readonly created_at: number;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  readonly content: string;
}

export interface NostrEvent extends Rumor {
  readonly sig: string;
}

export type EventTemplate = Pick<Rumor, 'created_at' | 'kind' | 'tags' | 'content'>;

/** NIP-01 filter; `#x` keys are single-letter tags. */
export interface Filter {
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
  readonly [tag: `#${string}`]: readonly string[] | undefined;
}
