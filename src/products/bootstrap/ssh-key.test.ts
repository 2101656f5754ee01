import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isHalfAnOrder, parseOrder } from './order-words.ts';
import {
  cloudFingerprint,
  isPrivateKey,
  looksLikeKey,
  makeSshKey,
  parseSshPublicKey,
  sshFingerprint,
} from './ssh-key.ts';

const rng = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const field = (bytes: Buffer | string): Buffer => {
  const body = Buffer.from(bytes as Uint8Array);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};
const line = (type: string, ...fields: (Buffer | string)[]): string =>
  `${type} ${Buffer.concat([field(type), ...fields.map(field)]).toString('base64')}`;
const ED = line('ssh-ed25519', Buffer.alloc(32, 7));
const rsa = (bits: number): string => {
  const modulus = Buffer.alloc(bits / 8, 0xff);
  return line('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0]), modulus]));
};

describe('a public key', () => {
  it.each([
    ['as it stands in its file', `${ED} me@here`],
    ['with options before it', `no-pty,command="x y" ${ED}`],
    ['with blank around it', `  ${ED}  `],
  ])('%s is taken without what is beside it', (_name, text) => {
    expect(parseSshPublicKey(text)).toEqual({ key: ED });
  });
  it.each([
    line('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])),
    line('ecdsa-sha2-nistp521', 'nistp521', Buffer.concat([Buffer.from([4]), Buffer.alloc(132, 1)])),
    rsa(3072),
    rsa(4096),
  ])('of another good kind is taken: %.40s', (key) => {
    expect(parseSshPublicKey(key)).toEqual({ key });
  });
  it.each([
    ['', 'not_a_key'],
    ['hello there', 'not_a_key'],
    [`${ED}\n${ED}`, 'several_lines'],
    [`${ED} ${'x'.repeat(5000)}`, 'too_long'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb', 'private_key'],
    ['b3BlbnNzaC1rZXktdjEAAAAABG5vbmU', 'private_key'],
    [line('sk-ssh-ed25519@openssh.com', Buffer.alloc(32), 'ssh:'), 'hardware_key'],
    [line('ssh-dss', 'x'), 'dss'],
    [rsa(2048), 'too_weak'],
    [rsa(1024), 'too_weak'],
    [ED.slice(0, -4), 'damaged'],
    [`${ED}AAAA`, 'damaged'],
    [ED.replace('ssh-ed25519 ', 'ssh-rsa '), 'damaged'],
    [line('ssh-ed25519', Buffer.alloc(31)), 'damaged'],
    [line('ssh-ed25519', Buffer.alloc(32), 'more'), 'damaged'],
    [line('ecdsa-sha2-nistp256', 'nistp384', Buffer.concat([Buffer.from([4]), Buffer.alloc(64)])), 'damaged'],
    [line('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.from([2]), Buffer.alloc(64)])), 'damaged'],
    [line('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(512, 0xff)), 'damaged'],
  ] as const)('%.50s is refused: %s', (text, problem) => {
    expect(parseSshPublicKey(text)).toEqual({ problem });
  });
  it('is told from other words', () => {
    expect([ED, 'ssh-rsa AAAA', 'ecdsa-sha2-nistp256 A'].map(looksLikeKey)).toEqual([true, true, true]);
    expect(['ssh into my box please', 'what is ssh-ed25519?', ''].map(looksLikeKey)).toEqual([false, false, false]);
    expect(isPrivateKey('PuTTY-User-Key-File-3: ssh-ed25519')).toBe(true);
  });
});

describe('what stands behind "bootstrap"', () => {
  it.each([
    ['', {}],
    ['keygen', { makeKey: true }],
    ['region=fra1 size=s-2vcpu-4gb', { region: 'fra1', size: 's-2vcpu-4gb' }],
    [`${ED} me@here region=fra1`, { key: ED, region: 'fra1' }],
    [`Region:FRA1 ${ED}`, { key: ED, region: 'fra1' }],
    [`${ED.slice(0, 40)} ${ED.slice(40)} me@here`, { key: ED }],
    [`${ED.slice(0, 40)}\n${ED.slice(40)}`, { key: ED }],
    ['ssh-ed25519 nonsense', { problem: 'damaged' }],
  ])('%j', (text, parts) => {
    expect(parseOrder(text)).toEqual({ region: null, size: null, key: null, makeKey: false, problem: null, ...parts });
  });
  it.each(['a startup', 'your own business in 10 steps', 'css grid'])('other words are another matter: %s', (text) => {
    expect(parseOrder(text)).toBeNull();
  });
});

it('half an order is told its usage, other words are another matter', () => {
  expect(['fra1', 'region=', 'region: fra1', 'size', 's-2vcpu-4gb', 'NYC3'].every(isHalfAnOrder)).toBe(true);
  expect(['my startup', 'css grid', 'region of Burgundy, please', 'size matters a lot'].some(isHalfAnOrder)).toBe(
    false,
  );
});

describe('a pair that we make', () => {
  it('is written as OpenSSH writes it', () => {
    // What ssh-keygen 9.2 reads out of this file (-y, -l, -l -E md5) is what is expected here.
    const { publicKey, privateKey } = makeSshKey(
      { bytes: (length) => new Uint8Array(length).fill(7) },
      'timmy B-4KQ7M',
    );
    expect(privateKey.expose()).toBe(RECORDED);
    expect(publicKey).toBe('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs');
    expect(sshFingerprint(publicKey)).toBe('SHA256:z/fSv0Z0RZS+Lccbc6ZoOWwt/fbj1VFJGSBKQbo4icE');
    expect(cloudFingerprint(publicKey)).toBe('50:43:b7:3d:24:75:1a:4c:2d:4d:da:85:9c:71:cc:75');
    expect(parseSshPublicKey(publicKey)).toEqual({ key: publicKey });
    expect(publicKey).not.toBe(makeSshKey(rng, 'x').publicKey);
  });
  it('is not printed by accident', () => {
    expect(JSON.stringify(makeSshKey(rng, 'x'))).not.toContain('PRIVATE');
  });
});

const RECORDED = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDqSmxj4pxSCr71UHsTLsX5lUd2rr6+e5JCHuppFEbSLAAAAJAHBwcHBwcH
BwAAAAtzc2gtZWQyNTUxOQAAACDqSmxj4pxSCr71UHsTLsX5lUd2rr6+e5JCHuppFEbSLA
AAAEAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB+pKbGPinFIKvvVQexMuxfmV
R3auvr57kkIe6mkURtIsAAAADXRpbW15IEItNEtRN00=
-----END OPENSSH PRIVATE KEY-----
`;
