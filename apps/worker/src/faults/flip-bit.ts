import type { StateVectors } from '@berth/contracts';

/**
 * Flips one bit of a state, as a cosmic ray does.
 * @param place - chooses the vector, the element and the bit
 */
export function flipBitOf(
  { weights, firstMoments, secondMoments }: StateVectors,
  place: number,
): void {
  const vectors = [weights, firstMoments, secondMoments];
  const vector = vectors[place % vectors.length]!;
  const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const rest = Math.floor(place / vectors.length);
  bits[Math.floor(rest / 32) % bits.length]! ^= (1 << (rest % 32)) >>> 0;
}
