import { unixSeconds, type UnixSeconds } from '../lib/units.ts';
import { isPublicKey } from '../nostr/curve.ts';
import { normalizeRelayUrls } from '../nostr/relay-url.ts';
import { readText } from './durable-file.ts';
import type { NodePaths } from './paths.ts';
import { isObject, parseObject, textOf, textsOf, wholeOf, type JsonObject } from './reading.ts';

/** What Timmy told this node at its birth (`/etc/timmy/node.json`). All of it is public but `claim`. */
export interface NodeFile {
  readonly order: string;
  readonly attempt: number;
  /** One use: shows Timmy that the key which announces itself is this node's. */
  readonly claim: string;
  /** The key of Timmy, hex: it may tell the end of the term and nothing else. */
  readonly timmy: string;
  readonly timmyRelays: readonly string[];
  /** The key of the customer, hex: the only one that is obeyed. */
  readonly owner: string;
  readonly ownerRelays: readonly string[];
  /** How the owner is spoken to unasked. */
  readonly voice: 'words' | 'rpc';
  readonly impl: 'core' | 'knots';
  /** 0: the whole chain is kept. */
  readonly pruneMib: number;
  readonly region: string;
  readonly size: string;
  readonly tailscale: boolean;
  readonly termEndsAt: UnixSeconds;
  readonly stub: boolean;
}

/** Where the node's programs are asked (`/etc/timmy/services.json`, then the environment). */
export interface ServicesFile {
  /** True where anything was said at all: a stub then asks instead of making up. */
  readonly given: boolean;
  readonly bitcoinRpcUrl: string;
  readonly bitcoinCookie: string;
  readonly bitcoinConf: string;
  readonly lndRestUrl: string;
  readonly lnbitsUrl: string;
  readonly compose: string;
  /** The folder whose disk is watched. */
  readonly dataDir: string;
  /** A block that the right chain has (`BOOTSTRAP_CHECKPOINT`). */
  readonly checkpoint: { readonly height: number; readonly hash: string } | null;
}

const MAX_RELAYS = 8;

/** @throws Error with a plain sentence that names what is wrong and nothing of the claim. */
export function readNodeFile(path: string): NodeFile {
  const text = readText(path);
  if (text === null) throw new Error(`there is no ${path}`);
  const file = parseObject(text);
  if (file?.['v'] !== 1) throw new Error(`${path} is not version 1`);
  const timmyRelays = normalizeRelayUrls(textsOf(file['timmy_relays'], 32), MAX_RELAYS);
  const ownerRelays = normalizeRelayUrls(textsOf(file['owner_relays'], 32), MAX_RELAYS);
  if (timmyRelays.length + ownerRelays.length === 0) throw new Error('node.json: it names no relay');
  return {
    order: matching(file, 'order', /^B-[0-9A-Z]{5}$/),
    attempt: needed(wholeOf(file['attempt'], 0, 1_000_000), 'attempt'),
    claim: matching(file, 'claim', /^[A-Za-z0-9_-]{16,128}$/),
    timmy: keyOf(file, 'timmy'),
    timmyRelays,
    owner: keyOf(file, 'owner'),
    ownerRelays,
    voice: file['voice'] === 'rpc' ? 'rpc' : 'words',
    impl: file['impl'] === 'knots' ? 'knots' : 'core',
    pruneMib: needed(wholeOf(file['prune_mib'], 0, 100_000_000), 'prune_mib'),
    region: textOf(file['region'], 64) ?? '',
    size: textOf(file['size'], 64) ?? '',
    tailscale: file['tailscale'] === true,
    termEndsAt: unixSeconds(needed(wholeOf(file['term_ends_at'], 0, 10 ** 11), 'term_ends_at')),
    stub: file['stub'] === true,
  };
}

/** Defaults are the image's. `env`: `BITCOIN_RPC_URL`, `LND_REST_URL`, `LNBITS_URL` win over the file. */
export function readServicesFile(paths: NodePaths, env: NodeJS.ProcessEnv): ServicesFile {
  const text = readText(paths.services);
  const file = (text === null ? null : parseObject(text)) ?? {};
  const url = (variable: string, key: string, fallback: string): string =>
    (textOf(env[variable]) ?? textOf(file[key]) ?? textOf(file[variable]) ?? fallback).replace(/\/+$/, '');
  const path = (key: string, fallback: string): string => textOf(file[key]) ?? fallback;
  return {
    given: text !== null || env['BITCOIN_RPC_URL'] !== undefined,
    bitcoinRpcUrl: url('BITCOIN_RPC_URL', 'bitcoin_rpc_url', 'http://127.0.0.1:8332'),
    bitcoinCookie: path('bitcoin_cookie', paths.bitcoinCookie),
    bitcoinConf: path('bitcoin_conf', paths.bitcoinConf),
    lndRestUrl: url('LND_REST_URL', 'lnd_rest_url', 'https://127.0.0.1:8080'),
    lnbitsUrl: url('LNBITS_URL', 'lnbits_url', 'http://127.0.0.1:5000'),
    compose: path('compose', paths.compose),
    dataDir: path('data_dir', paths.kept),
    checkpoint: checkpointOf(file['checkpoint']),
  };
}

function checkpointOf(value: unknown): ServicesFile['checkpoint'] {
  if (!isObject(value)) return null;
  const height = wholeOf(value['height'], 1, 100_000_000);
  const hash = textOf(value['hash'], 64)?.toLowerCase();
  return height !== null && hash !== undefined && /^[0-9a-f]{64}$/.test(hash) ? { height, hash } : null;
}

function needed<T>(value: T | null, name: string): T {
  if (value === null) throw new Error(`node.json: ${name} is missing or wrong`);
  return value;
}

function matching(file: JsonObject, name: string, form: RegExp): string {
  const text = textOf(file[name], 128);
  return needed(text !== null && form.test(text) ? text : null, name);
}

function keyOf(file: JsonObject, name: string): string {
  const key = textOf(file[name], 64);
  return needed(key !== null && isPublicKey(key) ? key : null, name);
}
