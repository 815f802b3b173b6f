import { Graph, openGraphSession, ops, type TensorFlow } from '@berth/graph';
import { randomMatrix } from './random-matrix.ts';
import type { StepPrecision } from './step-setting.ts';

const size = 512;

/**
 * How far a product is from the same in double precision, as a share of its norm: about 1e-7 in float32, 3e-4 where factors are
 * rounded to TF32, 3e-3 to bfloat16.
 */
export function productError(tensorFlow: TensorFlow, precision: StepPrecision): number {
  const graph = new Graph();
  const spec = { dtype: 'float32', shape: [size, size] } as const;
  const dtype = precision === 'bf16' ? 'bfloat16' : 'float32';
  const [left, right] = [graph.placeholder('left', spec), graph.placeholder('right', spec)];
  const product = ops.matMul(ops.cast(left, dtype), ops.cast(right, dtype));
  graph.signature('run', {
    inputs: { left, right },
    outputs: { product: ops.cast(product, 'float32') },
  });
  const factors = { left: randomMatrix(size, size, 1), right: randomMatrix(size, size, 2) };
  const session = openGraphSession(tensorFlow, graph);
  const found = session.run('run', factors)['product'] as Float32Array;
  session.dispose();
  return relativeError(found, factors);
}

function relativeError(
  found: Float32Array,
  { left, right }: Readonly<Record<'left' | 'right', Float32Array>>,
): number {
  let [differences, total] = [0, 0];
  const exact = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    exact.fill(0);
    for (let middle = 0; middle < size; middle++) {
      const factor = left[row * size + middle]!;
      for (let column = 0; column < size; column++)
        exact[column] = exact[column]! + factor * right[middle * size + column]!;
    }
    for (let column = 0; column < size; column++) {
      differences += (found[row * size + column]! - exact[column]!) ** 2;
      total += exact[column]! ** 2;
    }
  }
  return Math.sqrt(differences / total);
}
