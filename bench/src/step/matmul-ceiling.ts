import { Graph, openGraphSession, ops, type TensorFlow } from '@berth/graph';

const size = 2048;
const numRuns = 5;

/** GFLOP/s of a large square product, best of some: what no step can exceed. */
export function measureCeiling(tensorFlow: TensorFlow, precision: 'fp32' | 'bf16'): number {
  const graph = new Graph();
  const dtype = precision === 'bf16' ? 'bfloat16' : 'float32';
  const seed = graph.placeholder('seed', { dtype: 'float32', shape: [] });
  const spec = { dtype: 'float32', shape: [size, size] } as const;
  const x = graph.variable('x', spec);
  const ones = ops.mul(ops.full(graph, 1, spec), seed);
  graph.signature('set', {
    inputs: { seed },
    outputs: { done: ops.done(graph, [graph.assign(x, ones)]) },
  });
  const operand = ops.cast(graph.read(x), dtype);
  const time = (name: string, numProducts: number): void => {
    let product = operand;
    for (let index = 0; index < numProducts; index++) product = ops.matMul(product, operand);
    graph.signature(name, {
      inputs: {},
      outputs: { corner: ops.cast(ops.slice(product, [0, 0], [1, 1]), 'float32') },
    });
  };
  time('one', 1);
  time('three', 3);
  const session = openGraphSession(tensorFlow, graph);
  session.run('set', { seed: Float32Array.of(1e-4) });
  const best = (name: string): number =>
    Math.min(
      ...Array.from({ length: numRuns }, () => {
        const start = performance.now();
        session.run(name);
        return performance.now() - start;
      }),
    );
  const perProductMs = (best('three') - best('one')) / 2;
  session.dispose();
  return (2 * size ** 3) / perProductMs / 1e6;
}
