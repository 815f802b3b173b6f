import { sha256Hex } from '@berth/contracts';

/** SHA-256 of all weights as little-endian fp32 in layout order: the identity of a model state. */
export function weightsDigest(weights: Float32Array): string {
  return sha256Hex(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
}
