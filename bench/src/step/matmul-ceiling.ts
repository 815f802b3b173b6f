import { Graph, openGraphSession, ops, type TensorFlow } from '@berth/graph';
import { randomMatrix } from './random-matrix.ts';
import type { StepSetting } from './step-setting.ts';

/** A GPU needs larger products, and more of them, before starting them no longer counts. */
const shapes = {
  cpu: { size: 2048, numProducts: 3 },
  gpu: { size: 8192, numProducts: 21 },
} as const;
const numRuns = 5;

/** GFLOP/s of a large square product, best of some: what no step can exceed. */
export function measureCeiling(
  tensorFlow: TensorFlow,
  { precision, device }: Pick<StepSetting, 'precision' | 'device'>,
): number {
  const { size, numProducts } = shapes[device];
  const graph = new Graph();
  const dtype = precision === 'bf16' ? 'bfloat16' : 'float32';
  const spec = { dtype: 'float32', shape: [size, size] } as const;
  const values = graph.placeholder('values', spec);
  const x = graph.variable('x', spec);
  graph.signature('set', {
    inputs: { values },
    outputs: { done: ops.done(graph, [graph.assign(x, values)]) },
  });
  const operand = ops.cast(graph.read(x), dtype);
  const time = (name: string, count: number): void => {
    let product = operand;
    for (let index = 0; index < count; index++) product = ops.matMul(product, operand);
    graph.signature(name, {
      inputs: {},
      outputs: { corner: ops.cast(ops.slice(product, [0, 0], [1, 1]), 'float32') },
    });
  };
  time('one', 1);
  time('many', numProducts);
  const session = openGraphSession(tensorFlow, graph);
  session.run('set', { values: randomMatrix(size, size) });
  const best = (name: string): number =>
    Math.min(
      ...Array.from({ length: numRuns }, () => {
        const start = performance.now();
        session.run(name);
        return performance.now() - start;
      }),
    );
  const perProductMs = (best('many') - best('one')) / (numProducts - 1);
  session.dispose();
  return (2 * size ** 3) / perProductMs / 1e6;
}
