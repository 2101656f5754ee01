const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;

/** BIP 173's checksum over five-bit words. */
function polymod(words: readonly number[]): number {
  let sum = 1;
  for (const word of words) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    GENERATOR.forEach((value, bit) => {
      if ((top >>> bit) & 1) sum ^= value;
    });
  }
  return sum;
}

/** `npub1…` (NIP-19) of a public key in hex. By itself: the library's codec would take a tenth of the bundle. */
export function npubOf(hex: string): string {
  const bits = [...Buffer.from(hex, 'hex')].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const words = (bits.match(/.{1,5}/g) ?? []).map((five) => parseInt(five.padEnd(5, '0'), 2));
  const prefix = [...'npub'].map((letter) => letter.charCodeAt(0));
  const spread = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31)];
  const check = polymod([...spread, ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  const tail = [5, 4, 3, 2, 1, 0].map((place) => (check >>> (5 * place)) & 31);
  return `npub1${[...words, ...tail].map((word) => LETTERS[word]).join('')}`;
}
