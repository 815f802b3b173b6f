import { sumsFromVector, type StepSums } from './step-sums.ts';

/**
 * How gradients travel between members. `bf16`: every node of the canonical tree, leaves included, is rounded to bf16
 * (summed in fp32, nearest even), so that what travels is exact and the bits do not depend on who computed what.
 */
export const allReduceDtypes = ['fp32', 'bf16'] as const;
export type AllReduceDtype = (typeof allReduceDtypes)[number];

/**
 * A flat gradient and the step sums, in the form in which they travel. The sums are fp32 in either dtype. `fp32`: end to end.
 * `bf16`: the gradient's upper halves, zeros up to a multiple of {@link bf16Padding}, then the sums as pairs of halves.
 */
export type GradientVector = Float32Array | Uint16Array;

/** Elements: a cache line of bf16. */
export const bf16Padding = 32;

export function bf16PaddedLength(numElements: number): number {
  return Math.ceil(numElements / bf16Padding) * bf16Padding;
}

/** Puts a flat gradient with its sums, whose bits are those of the dtype already, into the form in which it travels. */
export function packGradient(
  flat: Float32Array,
  numParameters: number,
  dtype: AllReduceDtype,
): GradientVector {
  if (dtype === 'fp32') return flat;
  const padded = bf16PaddedLength(numParameters);
  const packed = new Uint16Array(padded + 2 * (flat.length - numParameters));
  const halves = new Uint16Array(flat.buffer, flat.byteOffset, 2 * flat.length);
  for (let index = 0; index < numParameters; index++) packed[index] = halves[2 * index + 1]!;
  packed.set(halves.subarray(2 * numParameters), padded);
  return packed;
}

/** The inverse of `packGradient`. */
export function unpackGradient(vector: GradientVector, numParameters: number): Float32Array {
  if (vector instanceof Float32Array) return vector;
  const padded = bf16PaddedLength(numParameters);
  const flat = new Float32Array(numParameters + (vector.length - padded) / 2);
  const halves = new Uint16Array(flat.buffer);
  for (let index = 0; index < numParameters; index++) halves[2 * index + 1] = vector[index]!;
  halves.set(vector.subarray(padded), 2 * numParameters);
  return flat;
}

/** The step sums at the end of a vector. */
export function stepSumsOf(names: readonly string[], vector: GradientVector): StepSums {
  if (vector instanceof Float32Array)
    return sumsFromVector(names, vector, vector.length - names.length);
  const halves = vector.slice(vector.length - 2 * names.length);
  return sumsFromVector(names, new Float32Array(halves.buffer));
}

const scratch = new DataView(new ArrayBuffer(Float32Array.BYTES_PER_ELEMENT));

/** The nearest bf16 number, ties to even; NaNs become quiet NaNs of their sign. */
export function roundToBf16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const rounded = bits + 0x7fff + ((bits >>> 16) & 1);
  const isNan = (bits & 0x7fff_ffff) > 0x7f80_0000;
  scratch.setInt32(0, (isNan ? (bits & 0x8000_0000) | 0x7fc0_0000 : rounded) & 0xffff_0000);
  return scratch.getFloat32(0);
}
