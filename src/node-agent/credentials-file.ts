import { isObject, parseObject, textOf, textsOf } from './reading.ts';

/** What the setup left for the owner (`credentials.json`), and nobody else. */
export interface Credentials {
  readonly bitcoinRpc: { readonly url: string; readonly user: string; readonly password: string };
  /** Named values, as the setup wrote them; null where there is none. */
  readonly lnbits: Readonly<Record<string, string>> | null;
  readonly lnd: Readonly<Record<string, string>> | null;
  readonly ssh: { readonly user: string; readonly hostKeys: readonly string[] };
  readonly tailscale: string | null;
  readonly nextSteps: readonly string[];
}

/** Null where `text` is not what the setup writes. `keys`: the host's fingerprints, where the file has none. */
export function parseCredentials(text: string, keys: readonly string[]): Credentials | null {
  const file = parseObject(text);
  const rpc = file?.['bitcoin_rpc'];
  if (file?.['v'] !== 1 || !isObject(rpc)) return null;
  const [url, user, password] = [textOf(rpc['url']), textOf(rpc['user'], 64), textOf(rpc['password'], 256)];
  if (url === null || user === null || password === null) return null;
  const ssh = isObject(file['ssh']) ? file['ssh'] : {};
  const named = textsOf(ssh['host_keys'], 8, 100);
  return {
    bitcoinRpc: { url, user, password },
    lnbits: valuesOf(file['lnbits']),
    lnd: valuesOf(file['lnd']),
    ssh: { user: textOf(ssh['user'], 64) ?? 'root', hostKeys: named.length > 0 ? named : keys },
    tailscale: isObject(file['tailscale']) ? textOf(file['tailscale']['name'], 256) : null,
    nextSteps: textsOf(file['next_steps'], 20, 500),
  };
}

function valuesOf(value: unknown): Readonly<Record<string, string>> | null {
  if (!isObject(value)) return null;
  const texts = Object.entries(value).filter((entry): entry is [string, string] => textOf(entry[1], 500) !== null);
  return texts.length === 0 ? null : Object.fromEntries(texts.slice(0, 16));
}
