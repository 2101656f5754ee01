import { createHash } from 'node:crypto';
import { readdirSync, statfsSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { readText } from './durable-file.ts';

/** The SHA-256 fingerprints of SSH's host keys, as `ssh` shows them to who logs in for the first time. */
export function hostKeys(folder: string): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // no SSH here (the stub), or not yet
  }
  return names
    .filter((name) => /^ssh_host_[a-z0-9]+_key\.pub$/.test(name))
    .sort()
    .slice(0, 8)
    .flatMap((name) => fingerprintOf(readText(`${folder}/${name}`) ?? ''));
}

/** `SHA256:…` of a public key's line, in a list; empty where it is none. */
export function fingerprintOf(line: string): readonly string[] {
  const blob = /^(?:ssh|ecdsa)-\S+ ([A-Za-z0-9+/]+={0,2})(?: |$)/.exec(line.trim())?.[1];
  if (blob === undefined) return [];
  return [`SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`];
}

/** The machine's public IPv4 address, or null. */
export function publicAddress(): string | null {
  let all: NetworkInterfaceInfo[];
  try {
    all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  } catch {
    return null; // the unit may forbid to ask (AF_NETLINK)
  }
  const found = all.find(({ family, internal, address }) => family === 'IPv4' && !internal && isPublic(address));
  return found?.address ?? null;
}

/** Not of a private, link-local, shared (RFC 6598) or documentation range. */
function isPublic(address: string): boolean {
  return !/^(10|127|169\.254|192\.168|192\.0\.2|198\.51\.100|203\.0\.113|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
    address,
  );
}

export interface Disk {
  readonly freeMb: number;
  readonly totalMb: number;
}

/** Of the disk that holds `folder`; null where the system does not say. */
export function diskOf(folder: string): Disk | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    return { freeMb: Math.floor((bavail * bsize) / 1e6), totalMb: Math.floor((blocks * bsize) / 1e6) };
  } catch {
    return null;
  }
}
