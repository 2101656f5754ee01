import { isIPv4, isIPv6 } from 'node:net';

/**
 * True only for an address that the public internet routes to (IANA special-purpose registries, RFC 6890 and later).
 * Everything that could lead back into our own network is false: loopback, private, link-local and metadata, carrier
 * NAT, IPv4 dressed as IPv6 (mapped, NAT64, 6to4, Teredo), multicast, documentation and reserved ranges; and so is
 * anything that is no plain address (a zone id, octal or short forms).
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) {
    const value = ipv4Value(address);
    return !NOT_PUBLIC_V4.some(([base, bits]) => value >>> (32 - bits) === base >>> (32 - bits));
  }
  if (!isIPv6(address) || address.includes('%')) return false;
  const value = ipv6Value(address);
  const isIn = ([base, bits]: Range<bigint>): boolean => value >> BigInt(128 - bits) === base >> BigInt(128 - bits);
  return isIn(GLOBAL_UNICAST_V6) && !NOT_PUBLIC_V6.some(isIn);
}

type Range<T> = readonly [base: T, bits: number];

const v4 = (text: string): Range<number> => {
  const [base = '', bits] = text.split('/');
  return [ipv4Value(base), Number(bits)];
};

const v6 = (text: string): Range<bigint> => {
  const [base = '', bits] = text.split('/');
  return [ipv6Value(base), Number(bits)];
};

const NOT_PUBLIC_V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, cloud metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
].map(v4);

/** Everything outside of it is special: ::, ::1, mapped, 64:ff9b::/96, 100::/64, fc00::/7, fe80::/10, ff00::/8, … */
const GLOBAL_UNICAST_V6 = v6('2000::/3');

const NOT_PUBLIC_V6 = [
  '2001::/23', // IETF protocol assignments: Teredo, ORCHID, benchmarks
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address inside
  '2620:4f:8000::/48', // AS112
  '2d00::/8', // reserved: never given to anybody
  '2e00::/7', // reserved
  '3000::/4', // reserved; in it the old 6bone (3ffe::/16, RFC 3701) and documentation (3fff::/20)
].map(v6);

function ipv4Value(address: string): number {
  return address.split('.').reduce((value, part) => ((value << 8) | Number(part)) >>> 0, 0);
}

/** @param address one that `isIPv6` accepts, without a zone. */
function ipv6Value(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const hex = dotted === null ? address : `${dotted[1] ?? ''}${ipv4Groups(dotted[2] ?? '')}`;
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function ipv4Groups(address: string): string {
  const value = ipv4Value(address);
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
}
