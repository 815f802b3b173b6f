/**
 * Digest of a vector of 32-bit words, fp32 or pairs of bf16: two 32-bit sums, modulo 2^32, over hashes of (bits, index). Being sums, the digests of
 * slices add up to the digest of the vector, however it is cut. Not cryptographic: it finds divergence, not forgery.
 *
 * The hash is lowbias32 (C. Wellons, "Prospecting for hash functions") of bits + index * key. The first sum takes it after its first
 * half, a bijection: one changed word always shows there. Changes that cancel in it are left to the second sum; ADR 0028 has the odds.
 */
export const digestConstants = {
  key: 0x9e3779b1,
  firstFactor: 0x7feb352d,
  secondFactor: 0x846ca68b,
} as const;

const { key, firstFactor, secondFactor } = digestConstants;

/**
 * Adds a piece of a vector to the sums. NaNs count with the bits they have.
 * @param sums - two elements
 * @param firstIndex - index of the piece's first element in the whole vector
 */
export function addToDigest(sums: Uint32Array, piece: Float32Array, firstIndex: number): void {
  const bits = new Uint32Array(piece.buffer, piece.byteOffset, piece.length);
  for (let i = 0; i < bits.length; i += 1) {
    let hash = (bits[i]! + Math.imul(firstIndex + i, key)) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), firstFactor);
    hash ^= hash >>> 15;
    sums[0]! += hash;
    hash = Math.imul(hash, secondFactor);
    sums[1]! += hash ^ (hash >>> 16);
  }
}

/** 16 hex digits, the ledger's `gradientDigest`. */
export function digestHex(sums: Uint32Array): string {
  const hex = (sum = 0): string => sum.toString(16).padStart(8, '0');
  return hex(sums[0]) + hex(sums[1]);
}
