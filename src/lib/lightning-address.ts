import { bech32 } from '@scure/base';

/** `user@domain` (LUD-16), lower-case, and the URL that it stands for. */
export interface LightningAddress {
  readonly address: string;
  readonly url: string;
}

const USER = /^[a-z0-9._+-]{1,64}$/;
/** A DNS name of two labels or more whose last is no number: neither an IP address nor a bare host. */
const DOMAIN = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z])[a-z0-9-]{2,63}(?<!-)$/;
/** What `TIMMY_ALLOW_PRIVATE_NETWORK` allows instead: any host, with or without a port, over http. */
const LOCAL_HOST = /^[a-z0-9.-]{1,253}(?::\d{1,5})?$/;

/**
 * A Lightning address as typed (any case, `lightning:` before it), or null. With `allowPrivateNetwork`
 * `user@host:port`, IP addresses and bare hosts are addresses too and stand for http URLs; a public domain without a
 * port still stands for https.
 */
export function parseLightningAddress(
  text: string,
  options: { readonly allowPrivateNetwork?: boolean } = {},
): LightningAddress | null {
  const address = withoutPrefix(text).toLowerCase();
  const [user = '', host = '', ...rest] = address.split('@');
  if (rest.length > 0 || !USER.test(user)) return null;
  const path = `/.well-known/lnurlp/${encodeURIComponent(user)}`;
  if (DOMAIN.test(host)) return { address, url: `https://${host}${path}` };
  if (options.allowPrivateNetwork !== true || !LOCAL_HOST.test(host)) return null;
  const url = `http://${host}${path}`;
  return URL.canParse(url) ? { address, url } : null;
}

/**
 * The URL inside an LNURL (LUD-01: bech32 with the prefix `lnurl`, all lower or all upper case, `lightning:` before
 * it; LUD-17: `lnurlp://host/path`), or null. Only http(s) URLs; whether it may be asked is for the one who asks. With
 * `allowPrivateNetwork` an `lnurlp://` of no public domain stands for http.
 */
export function parseLnurl(text: string, options: { readonly allowPrivateNetwork?: boolean } = {}): string | null {
  const code = withoutPrefix(text);
  const [, host = '', path = ''] = /^lnurlp:\/\/([^\s/?#@]+)(\/[\x21-\x7e]*)$/i.exec(code) ?? [];
  if (host !== '' && code.length <= 2048) {
    const isLocal = options.allowPrivateNetwork === true && !DOMAIN.test(host.toLowerCase());
    const url = `${isLocal ? 'http' : 'https'}://${host}${path}`;
    return URL.canParse(url) ? url : null;
  }
  if (code.length > 2048 || !/^lnurl1/i.test(code)) return null;
  const decoded = bech32.decodeUnsafe(code, 2048);
  const bytes = decoded === undefined ? undefined : bech32.fromWordsUnsafe(decoded.words);
  if (decoded?.prefix !== 'lnurl' || !(bytes instanceof Uint8Array)) return null;
  const url = new TextDecoder().decode(bytes);
  return /^https?:\/\/[\x21-\x7e]+$/.test(url) && URL.canParse(url) ? url : null;
}

/**
 * What can be known of a place to send money to without asking it: whether it can be read (an LNURL has a checksum),
 * and whether it leads to a public host over https. Null: nothing speaks against it.
 */
export function whyUnpayable(
  text: string,
  options: { readonly allowPrivateNetwork?: boolean } = {},
): 'malformed' | 'not_https' | 'no_public_host' | null {
  const url = parseLightningAddress(text, options)?.url ?? parseLnurl(text, options);
  if (url === null) return 'malformed';
  if (options.allowPrivateNetwork === true) return null;
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:') return 'not_https';
  return DOMAIN.test(hostname) && !/\.(?:local|localhost|internal|lan|home|onion)$/.test(hostname)
    ? null
    : 'no_public_host';
}

function withoutPrefix(text: string): string {
  return text.trim().replace(/^lightning:(\/\/)?/i, '');
}
