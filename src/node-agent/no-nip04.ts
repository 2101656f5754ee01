/** In the bundle, in the place of `nostr/nip04.ts`: a node says nothing in a way that tells the world who talks to whom. */
function never(): never {
  throw new Error('a node speaks NIP-17 alone');
}

export const nip04Encrypt = never;
export const nip04Decrypt = never;
export const looksLikeNip04 = never;
