import { sha256Hex } from '../../../lib/hash.ts';
import type { RpcRequest } from './envelope.ts';

/**
 * `value` (from `JSON.parse`) as JSON in one spelling: no blank space, keys in the order of their UTF-16 units as in
 * RFC 8785. Equal texts mean equal values. Bounded by the depth that `parseEnvelope` lets through.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of the params in hex: "the same params" whatever their order (the `create` methods' `key`). */
export function paramsDigest(params: Readonly<Record<string, unknown>>): string {
  return sha256Hex(canonicalJson(params));
}

/**
 * One text for "the same sender, id, method and params", which is what makes a request the same one: 64 hex characters. `1` and `"1"`
 * give different keys. `sender` is the author's public key in hex.
 */
export function replayKey(sender: string, request: Pick<RpcRequest, 'id' | 'method' | 'params'>): string {
  return sha256Hex(canonicalJson([sender, request.id, request.method, request.params]));
}
