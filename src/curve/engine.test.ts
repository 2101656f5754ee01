import { schnorr, signAsync } from '@noble/secp256k1';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isSound, type CurveEngine } from './engine.ts';
import { curve } from './index.ts';
import { javascriptEngine } from './javascript.ts';
import { wasmEngine } from './wasm.ts';

const ENGINES: readonly CurveEngine[] = [javascriptEngine, wasmEngine];
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
/** Chance finds none of the few numbers that are no secret key, but fast-check likes extremes. */
const secretKeys = bytes(32).filter((key) => new Set(key).size > 2);

test('WebAssembly runs here', () => {
  expect(curve.name).toBe('wasm');
});

describe.for(ENGINES)('$name', (engine) => {
  it('computes the published vectors', () => {
    expect(isSound(engine)).toBe(true);
  });

  it('says no, and nothing worse, to a key that is none', () => {
    const hash = new Uint8Array(32).fill(7);
    const signature = engine.signSchnorr(hash, new Uint8Array(32).fill(1), new Uint8Array(32));
    for (const x of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(32).fill(5)]) {
      expect(engine.verifySchnorr(hash, x, signature)).toBe(false);
    }
    expect(engine.recover(hash, new Uint8Array(64), 0)).toBe(null);
    expect(engine.recover(hash, new Uint8Array(64).fill(255), 0)).toBe(null);
    expect(engine.recover(hash, signature, 4)).toBe(null);
    expect(() => engine.signSchnorr(hash, new Uint8Array(32), hash)).toThrow();
  });
});

describe('an engine that is wrong somewhere is not sound', () => {
  const wrong: Readonly<Record<string, Partial<CurveEngine>>> = {
    'signs something else': { signSchnorr: () => new Uint8Array(64) },
    'believes everything': { verifySchnorr: () => true },
    'believes nothing': { verifySchnorr: () => false },
    'recovers nothing': { recover: () => null },
    'recovers somebody else': { recover: () => new Uint8Array(33) },
  };
  it.for(Object.entries(wrong))('%s', ([, part]) => {
    expect(isSound({ ...wasmEngine, ...part })).toBe(false);
  });
});

describe('both engines', () => {
  it('make and believe the same signatures', () => {
    fc.assert(
      fc.property(secretKeys, bytes(32), bytes(32), fc.nat(511), (key, hash, aux, bit) => {
        const publicKey = schnorr.getPublicKey(key);
        const signature = wasmEngine.signSchnorr(hash, key, aux);
        expect(javascriptEngine.signSchnorr(hash, key, aux)).toEqual(signature);
        const bent = flipped(signature, bit);
        for (const engine of ENGINES) {
          expect(engine.verifySchnorr(hash, publicKey, signature)).toBe(true);
          expect(engine.verifySchnorr(hash, publicKey, bent)).toBe(false);
          expect(engine.verifySchnorr(flipped(hash, bit >> 1), publicKey, signature)).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('recover the same keys', async () => {
    await fc.assert(
      fc.asyncProperty(secretKeys, bytes(32), fc.nat(511), async (key, hash, bit) => {
        const signed = await signAsync(hash, key, { prehash: false, format: 'recovered' });
        const [recoveryId = 0, signature] = [signed[0], signed.slice(1)];
        for (const one of [signature, flipped(signature, bit)]) {
          const [slow, fast] = ENGINES.map((engine) => engine.recover(hash, one, recoveryId));
          expect(hex(fast)).toBe(hex(slow));
        }
      }),
      { numRuns: 20 },
    );
  });
});

function flipped(data: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(data);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function hex(key: Uint8Array | null | undefined): string {
  return Buffer.from(key ?? []).toString('hex');
}
