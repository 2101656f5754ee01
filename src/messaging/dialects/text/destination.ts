/**
 * Something that looks like a place to send money to. Only the shape is known: checksum, network, amount and whether
 * anybody answers there are for payments to find out, so that a mistyped invoice gets an answer instead of a price.
 */
export interface TypedDestination {
  readonly kind: 'bolt11' | 'address' | 'lnurl';
  /** Without `lightning:` and other wrapping; lower case, except an `lnurlp://` URL, which stays as typed. */
  readonly value: string;
}

const BECH32 = '[02-9ac-hj-np-z]';
/** BOLT 11: prefix by network, optional amount, separator, data. Shorter ones are no invoice, not even a cut one. */
const BOLT11 = new RegExp(`^ln(?:bcrt|bc|tbs|tb)\\d*[munp]?1${BECH32}{50,}$`);
/** LUD-01. */
const LNURL = new RegExp(`^lnurl1${BECH32}{20,}$`);
/** LUD-16; a host needs a dot or a port. */
const ADDRESS = /^[a-z0-9._+-]{1,64}@(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?|[a-z0-9-]+:\d{1,5})$/;

/** The destination that `text` is, and nothing beside it; or null. Takes `lightning:…`, `⚡…` and BIP 21 with `lightning=`. */
export function parseDestination(text: string): TypedDestination | null {
  const bare = unwrapped(text.trim());
  if (bare.length > 4096) return null;
  const value = bare.toLowerCase();
  if (BOLT11.test(value)) return { kind: 'bolt11', value };
  if (LNURL.test(value)) return { kind: 'lnurl', value };
  if (ADDRESS.test(value)) return { kind: 'address', value };
  // LUD-17.
  if (/^lnurlp:\/\/[^\s/]+\.[^\s/]+\/\S+$/i.test(bare)) return { kind: 'lnurl', value: bare };
  return null;
}

function unwrapped(text: string): string {
  const inUri = /^bitcoin:\S*[?&]lightning=([^&\s]+)/i.exec(text)?.[1];
  if (inUri !== undefined) return inUri;
  return text
    .replace(/^⚡\ufe0f?\s*/u, '')
    .replace(/^lightning:(?:\/\/)?/i, '')
    .replace(/[.,;!?)>]{1,4}$/, '');
}
