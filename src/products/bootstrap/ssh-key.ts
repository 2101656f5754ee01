import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { Rng } from '../../lib/rng.ts';
import { Secret } from '../../lib/secret.ts';

/** Why a text is no SSH public key that we take. */
export type KeyProblem =
  'not_a_key' | 'private_key' | 'several_lines' | 'too_long' | 'hardware_key' | 'dss' | 'type' | 'damaged' | 'too_weak';

/** Bytes of a line; the largest RSA key that anybody uses has 2,800. */
const MAX_LINE = 4096;
const MIN_RSA_BITS = 3072;
const CURVES: Readonly<Record<string, { readonly name: string; readonly point: number }>> = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', point: 65 },
  'ecdsa-sha2-nistp384': { name: 'nistp384', point: 97 },
  'ecdsa-sha2-nistp521': { name: 'nistp521', point: 133 },
};
const TYPE =
  /(?:^|\s)((?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com))\s+(\S+)/;

/**
 * The key of one line of `id_….pub` (RFC 4253 §6.6, RFC 8709, RFC 5656), options and comment dropped: "type blob". Strict:
 * the blob is canonical base64 of exactly the fields its type has, and no byte more.
 */
export function parseSshPublicKey(text: string): { readonly key: string } | { readonly problem: KeyProblem } {
  const line = text.trim();
  if (isPrivateKey(line)) return { problem: 'private_key' };
  if (Buffer.byteLength(line) > MAX_LINE) return { problem: 'too_long' };
  if (/[\r\n]/.test(line)) return { problem: 'several_lines' };
  const [, type, blob] = TYPE.exec(line) ?? [];
  if (type === undefined || blob === undefined) return { problem: 'not_a_key' };
  if (type.startsWith('sk-')) return { problem: 'hardware_key' };
  if (type === 'ssh-dss') return { problem: 'dss' };
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.toString('base64') !== blob) return { problem: 'damaged' };
  const fields = fieldsOf(bytes);
  if (fields === null || fields[0]?.toString('latin1') !== type) return { problem: 'damaged' };
  const problem = problemOf(type, fields.slice(1));
  return problem === null ? { key: `${type} ${blob}` } : { problem };
}

/** A private key in any of its clothes: whoever pasted it has to make another. */
export function isPrivateKey(text: string): boolean {
  return /BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|openssh-key-v1|b3BlbnNzaC1rZXktdjE/.test(text);
}

/** Does a text look as if it were meant as a public key? */
export function looksLikeKey(text: string): boolean {
  return /^\s*(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+\S/.test(text) || isPrivateKey(text);
}

function problemOf(type: string, fields: readonly Buffer[]): KeyProblem | null {
  if (type === 'ssh-ed25519') return fields.length === 1 && fields[0]?.length === 32 ? null : 'damaged';
  if (type === 'ssh-rsa') {
    const [exponent, modulus] = fields;
    if (fields.length !== 2 || !isPositive(exponent) || !isPositive(modulus)) return 'damaged';
    return bitsOf(modulus) >= MIN_RSA_BITS ? null : 'too_weak';
  }
  const curve = CURVES[type];
  if (curve === undefined) return 'type';
  const [name, point] = fields;
  const isGood =
    fields.length === 2 && name?.toString('latin1') === curve.name && point?.length === curve.point && point[0] === 4;
  return isGood ? null : 'damaged';
}

/** An mpint above zero, in its shortest form (RFC 4251 §5). */
function isPositive(mpint: Buffer | undefined): mpint is Buffer {
  const [first, second] = mpint ?? [];
  if (mpint === undefined || first === undefined || first > 127) return false;
  return first !== 0 || (second !== undefined && second > 127);
}

function bitsOf(mpint: Buffer): number {
  const whole = mpint[0] === 0 ? mpint.subarray(1) : mpint;
  return whole.length * 8 - Math.clz32(whole[0] ?? 0) + 24;
}

/** The length-prefixed fields of a blob; null where they do not fill it exactly. */
function fieldsOf(blob: Buffer): Buffer[] | null {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length || fields.length === 4) return null;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return null;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** As Digital Ocean names a key: MD5 of its blob, in colons. It is a name there, and protects nothing. */
export function cloudFingerprint(key: string): string {
  const digest = createHash('md5').update(blobOf(key)).digest('hex');
  return (digest.match(/../g) ?? []).join(':');
}

/** As `ssh-keygen -l` shows it. */
export function sshFingerprint(key: string): string {
  return `SHA256:${createHash('sha256').update(blobOf(key)).digest('base64').replace(/=+$/, '')}`;
}

function blobOf(key: string): Buffer {
  return Buffer.from(key.split(' ')[1] ?? '', 'base64');
}

/** The DER of PKCS #8 before the 32 bytes of an Ed25519 seed (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * A new Ed25519 pair: the public half as one line, the private half as OpenSSH writes it without a passphrase
 * (openssh-portable PROTOCOL.key), for `chmod 600` and `ssh -i`.
 */
export function makeSshKey(rng: Rng, comment: string): { readonly publicKey: string; readonly privateKey: Secret } {
  const seed = Buffer.from(rng.bytes(32));
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([field('ssh-ed25519'), field(point)]);
  const check = Buffer.from(rng.bytes(4));
  const half = Buffer.concat([
    check,
    check,
    field('ssh-ed25519'),
    field(point),
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (half.length % 8)) % 8 }, (_, at) => at + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0', 'latin1'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(blob),
    field(Buffer.concat([half, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  const pem = ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
  return { publicKey: `ssh-ed25519 ${blob.toString('base64')}`, privateKey: new Secret(pem) };
}

function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
