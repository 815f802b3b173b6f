import { BerthError, type ParameterSpec } from '@berth/contracts';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Weight tensors by Google's names. */
export interface Weights {
  vector(name: string): Tensor1D;
  matrix(name: string): Tensor2D;
}

/** Names the tensors of a layout, given in layout order. */
export function namedWeights(
  layout: readonly ParameterSpec[],
  tensors: readonly Tensor[],
): Weights {
  const byName = new Map(layout.map(({ name }, index) => [name, tensors[index]]));
  const find = (name: string): Tensor => {
    const found = byName.get(name);
    if (found === undefined)
      throw new BerthError('INTERNAL', `the layout has no parameter ${name}`);
    return found;
  };
  return {
    vector: (name) => find(name) as Tensor1D,
    matrix: (name) => find(name) as Tensor2D,
  };
}
