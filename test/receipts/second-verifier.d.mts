/** Why this is no true receipt; null: it is one. */
export function refusalOf(event: unknown): string | null;
/** Why these are no true chain, oldest first; null: they are one. */
export function refusalOfChain(events: readonly unknown[]): string | null;
