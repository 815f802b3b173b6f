import { addToDigest, digestHex, type GradientVector } from '@berth/contracts';

export { addToDigest, digestConstants, digestHex } from '@berth/contracts';

/** Digest of a whole vector, as it travels, in plain JavaScript; an all-reduce gives the same from its kernels. */
export function vectorDigest(vector: GradientVector): string {
  const sums = new Uint32Array(2);
  const { buffer, byteOffset, byteLength } = vector;
  addToDigest(sums, new Float32Array(buffer, byteOffset, byteLength / 4), 0);
  return digestHex(sums);
}
