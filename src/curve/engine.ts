/**
 * What Node's OpenSSL cannot do on secp256k1. An engine is given bytes of the right lengths (the caller checks what
 * strangers sent) and says only what is so: no call throws for a bad signature or a point that is not on the curve.
 */
export interface CurveEngine {
  /** Which it is, for the log. */
  readonly name: 'wasm' | 'javascript';
  /** BIP 340 signature, 64 bytes, of a 32-byte hash. `aux`: 32 fresh random bytes. @throws for a secret key that is none. */
  signSchnorr(hash: Uint8Array, secretKey: Uint8Array, aux: Uint8Array): Uint8Array;
  /** Whether `signature` (64 bytes) is that of the x-only `publicKey` (32 bytes) on `hash` (BIP 340). */
  verifySchnorr(hash: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean;
  /** The compressed public key (33 bytes) that an ECDSA `signature` (r, s: 64 bytes) on `hash` recovers to, or null (SEC 1, 4.1.6). */
  recover(hash: Uint8Array, signature: Uint8Array, recoveryId: number): Uint8Array | null;
}

/** Test vectors of BIP 340 (numbers 1 and 6), and the key that signed BOLT 11's first example. */
const SIGNED = {
  secretKey: 'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef',
  publicKey: 'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
  aux: '0000000000000000000000000000000000000000000000000000000000000001',
  hash: '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
  signature:
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
  oddNonce:
    'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a14602975563cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2',
} as const;
const RECOVERED = {
  hash: '6daf4d488be41ce7cbb487cab1ef2975e5efcea879b20d421f0ef86b07cbb987',
  signature:
    '8d3ce9e28357337f62da0162d9454df827f83cfe499aeb1c1db349d4d81127425e434ca29929406c23bba1ae8ac6ca32880b38d4bf6ff874024cac34ba9625f1',
  recoveryId: 1,
  publicKey: '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad',
} as const;

/** Whether `engine` computes what is known to be true. A miscompiled curve must not sign, and must not be believed. */
export function isSound(engine: CurveEngine): boolean {
  const signature = engine.signSchnorr(bytes(SIGNED.hash), bytes(SIGNED.secretKey), bytes(SIGNED.aux));
  const believes = (hex: string): boolean =>
    engine.verifySchnorr(bytes(SIGNED.hash), bytes(SIGNED.publicKey), bytes(hex));
  const recovered = engine.recover(bytes(RECOVERED.hash), bytes(RECOVERED.signature), RECOVERED.recoveryId);
  return (
    Buffer.from(signature).toString('hex') === SIGNED.signature &&
    believes(SIGNED.signature) &&
    !believes(SIGNED.oddNonce) &&
    recovered !== null &&
    Buffer.from(recovered).toString('hex') === RECOVERED.publicKey
  );
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
