import { BerthError, type ParameterSpec } from '@berth/contracts';
import {
  concat,
  dispose,
  reshape,
  tensor,
  tidy,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';

/** Lays tensors end to end. */
export function concatFlat(tensors: readonly Tensor[]): Tensor1D {
  return tidy(() => concat(tensors.map((part): Tensor1D => reshape(part, [-1]))));
}

/**
 * Cuts a flat vector into one tensor per parameter, which the caller disposes. They may share its memory: change it only
 * when they are gone.
 */
export function splitFlat(layout: readonly ParameterSpec[], flat: Float32Array): Tensor[] {
  return layout.map(({ offset, size, shape }) =>
    tensor(flat.subarray(offset, offset + size), [...shape]),
  );
}

/** Copies a float tensor to the host and disposes it. */
export function readAndDispose(values: Tensor): Float32Array {
  const read = values.dataSync();
  dispose(values);
  if (read instanceof Float32Array) return read;
  throw new BerthError('INTERNAL', `read a ${values.dtype} tensor where float32 was expected`);
}
