import { createHmac } from 'node:crypto';
import type { Rng } from '../../lib/rng.ts';

/** `rpcauth=<user>:<salt>$<HMAC-SHA256(key = the salt's hex as text, password)>` (Bitcoin Core, share/rpcauth). */
export function rpcAuthLine(user: string, salt: string, password: string): string {
  return `rpcauth=${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
}

/** The line of `user` in bitcoin.conf (the first of all, where it is null), with its user; null where there is none. */
export function findRpcAuth(
  conf: string,
  user: string | null,
): { readonly user: string; readonly line: string } | null {
  for (const line of conf.split('\n')) {
    const name = /^rpcauth=([A-Za-z0-9_.-]{1,64}):[0-9a-f]+\$[0-9a-f]{64}$/.exec(line.trim())?.[1];
    if (name !== undefined && (user === null || name === user)) return { user: name, line: line.trim() };
  }
  return null;
}

/** `conf` with `line` in the place of `instead`; the same text where that has happened already; null where neither is there. */
export function withLine(conf: string, line: string, instead: string): string | null {
  const lines = conf.split('\n');
  if (lines.some((one) => one.trim() === line)) return conf;
  const at = lines.findIndex((one) => one.trim() === instead);
  if (at < 0) return null;
  return lines.with(at, line).join('\n');
}

/** 32 random bytes as base64url: no character that a URL or a configuration file reads in its own way. */
export function newPassword(rng: Rng): string {
  return Buffer.from(rng.bytes(32)).toString('base64url');
}

export function newSalt(rng: Rng): string {
  return Buffer.from(rng.bytes(16)).toString('hex');
}
