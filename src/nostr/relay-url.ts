const MAX_CHARS = 256;

/**
 * The one spelling of a relay's URL, or null if it is none: ws or wss, host in lower case, no default port, no
 * trailing slash, no user, no fragment, at most 256 characters. Says nothing of where the host is: a stranger's
 * URL may point at this machine.
 */
export function normalizeRelayUrl(text: string): string | null {
  const input = text.trim();
  if (input.length > MAX_CHARS || /[\s\p{Cc}]/u.test(input) || !/^wss?:\/\//i.test(input)) return null;
  if (!URL.canParse(input)) return null;
  const url = new URL(input);
  if (url.username !== '' || url.password !== '' || url.href.includes('#') || url.hostname === '') return null;
  const path = url.pathname.replace(/\/+$/, '');
  const normalized = `${url.protocol}//${url.host.replace(/\.(?=:|$)/, '')}${path}${url.search}`;
  return normalized.length <= MAX_CHARS ? normalized : null;
}

/** Each URL that is one, once, in order, at most `limit`. */
export function normalizeRelayUrls(texts: Iterable<string>, limit: number): readonly string[] {
  const urls = new Set<string>();
  for (const text of texts) {
    const url = normalizeRelayUrl(text);
    if (url !== null) urls.add(url);
    if (urls.size >= limit) break;
  }
  return [...urls];
}

/** A relay that a stranger named: TLS, and a public host name. The connection itself checks the addresses behind it. */
export function isPublicRelay(relay: string): boolean {
  const url = new URL(relay);
  return (
    url.protocol === 'wss:' &&
    /\.[a-z]{2,}$/i.test(url.hostname) &&
    !/(^|\.)(localhost|local|internal|home|lan|onion)$/i.test(url.hostname)
  );
}
