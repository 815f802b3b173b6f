import { createHash } from 'node:crypto';
import { Graph, openGraphSession, ops, type TensorFlow, type Value } from '@berth/graph';

const numTokens = 1024;
const headSize = 64;

/** Digests of the matrix products of a step at several widths, by what they are. */
export function digestsOfProducts(tensorFlow: TensorFlow): Record<string, string> {
  const graph = new Graph();
  const inputs: Record<string, Value> = {};
  const data: Record<string, Float32Array> = {};
  const outputs: Record<string, Value> = {};
  const random = (shape: readonly number[]): Value => {
    const name = `x${Object.keys(inputs).length}`;
    inputs[name] = graph.placeholder(name, { dtype: 'float32', shape });
    const length = shape.reduce((product, size) => product * size, 1);
    let state = Object.keys(inputs).length * 7919;
    data[name] = Float32Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32 - 0.5;
    });
    return inputs[name];
  };
  for (const dtype of ['float32', 'bfloat16'] as const) {
    const add = (name: string, product: (narrow: (x: Value) => Value) => Value): void => {
      outputs[`${dtype} ${name}`] = ops.cast(
        product((x) => ops.cast(x, dtype)),
        'float32',
      );
    };
    for (const H of [128, 256, 768]) {
      const linear = { 'H x H': [H, H], 'H x 3H': [H, 3 * H], 'H x 4H': [H, 4 * H] } as const;
      for (const [kind, [K, N]] of Object.entries(linear)) {
        const [x, w, dy] = [random([numTokens, K]), random([K, N]), random([numTokens, N])];
        const name = `H=${H} ${kind}`;
        add(`${name}: forward`, (narrow) => ops.matMul(narrow(x), narrow(w)));
        add(`${name}: input gradient (right operand transposed)`, (narrow) =>
          ops.matMul(narrow(dy), narrow(w), { right: true }),
        );
        add(`${name}: kernel gradient (left operand transposed)`, (narrow) =>
          ops.matMul(narrow(x), narrow(dy), { left: true }),
        );
      }
      const heads = [8, H / headSize, numTokens / 8] as const;
      const [query, key] = [random([...heads, headSize]), random([...heads, headSize])];
      const scores = random([...heads, numTokens / 8]);
      add(`H=${H} attention: scores`, (narrow) =>
        ops.batchMatMul(narrow(query), narrow(key), { right: true }),
      );
      add(`H=${H} attention: context`, (narrow) => ops.batchMatMul(narrow(scores), narrow(key)));
      add(`H=${H} attention: gradients`, (narrow) =>
        ops.batchMatMul(narrow(scores), narrow(key), { left: true }),
      );
    }
  }
  graph.signature('run', { inputs, outputs });
  const session = openGraphSession(tensorFlow, graph);
  const results = session.run('run', data);
  session.dispose();
  return Object.fromEntries(
    Object.entries(results).map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      createHash('sha256')
        .update(new Uint8Array(buffer, byteOffset, byteLength))
        .digest('hex'),
    ]),
  );
}
