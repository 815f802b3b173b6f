import type { StateVectors } from './engine.ts';
import { addToDigest, digestHex } from './word-digest.ts';

/** Parts of a training state that votes compare, one after the other: a step's vote has the slice of its number, modulo this. */
export const numStateSlices = 64;

/** Elements [start, end) of each of the three vectors. */
export interface StateRange {
  readonly start: number;
  readonly end: number;
}

/** The elements of a slice, or of all of them. */
export function stateRange(numParameters: number, slice?: number): StateRange {
  if (slice === undefined) return { start: 0, end: numParameters };
  const boundary = (place: number): number => Math.floor((place * numParameters) / numStateSlices);
  return { start: boundary(slice), end: boundary(slice + 1) };
}

/**
 * Adds elements of a state to the two sums of its digest: that of weights, first and second moments, one behind the other, as
 * `addToDigest` makes it. So the digests of slices add up to that of the state.
 */
export function addStateToDigest(
  sums: Uint32Array,
  { weights, firstMoments, secondMoments }: StateVectors,
  { start, end }: StateRange,
): void {
  for (const [place, vector] of [weights, firstMoments, secondMoments].entries())
    addToDigest(sums, vector.subarray(start, end), place * vector.length + start);
}

/** 16 hex digits of a slice of a state, or of all of it, in plain JavaScript. Engines give the same. */
export function stateDigest(state: StateVectors, slice?: number): string {
  const sums = new Uint32Array(2);
  addStateToDigest(sums, state, stateRange(state.weights.length, slice));
  return digestHex(sums);
}
