import { createRequire } from 'node:module';
import type { Rank, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { block } from './block.ts';
import { traceFunction } from './trace.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;
const points = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

interface GraphDef {
  getNodeList(): { getOp(): string }[];
  getLibrary(): { getFunctionList(): { getSignature(): { getName(): string } }[] } | undefined;
}

/** How often each operation occurs in a function's graph, and its library functions, as TensorFlow's own reader finds them. */
function read(fn: (x: Tensor2D) => Tensor): { ops: Record<string, number>; functions: string[] } {
  const require = createRequire(import.meta.url);
  const { SavedModel } = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as {
    SavedModel: {
      deserializeBinary(bytes: Uint8Array): {
        getMetaGraphsList(): { getGraphDef(): GraphDef }[];
      };
    };
  };
  const bytes = traceFunction(tensorFlow, fn, [points]).graph.encode();
  const graph = SavedModel.deserializeBinary(bytes).getMetaGraphsList()[0]!.getGraphDef();
  const ops: Record<string, number> = {};
  for (const node of graph.getNodeList()) ops[node.getOp()] = (ops[node.getOp()] ?? 0) + 1;
  const functions = graph.getLibrary()?.getFunctionList() ?? [];
  return { ops, functions: functions.map((def) => def.getSignature().getName()) };
}

describe('a traced graph', () => {
  it('has one function for all calls of a block, and one for its gradient', () => {
    const cube = block(
      'cube',
      (x: Tensor) => tf.mul(x, tf.mul(x, x)),
      (dy: Tensor, x: Tensor) => [tf.mul(dy, tf.mul(3, tf.mul(x, x)))],
    );
    const { ops, functions } = read((x) => tf.grad((y: Tensor) => tf.sum(cube(cube(cube(y)))))(x));
    expect(functions).toHaveLength(2);
    expect(functions[0]).toContain('cube');
    expect(functions[1]).toContain('cube_gradient');
    expect(ops['PartitionedCall']).toBe(6);
  });

  it('computes equal expressions once', () => {
    const { ops } = read((x) => tf.add(tf.exp(tf.neg(x)), tf.exp(tf.neg(x))));
    expect(ops).toMatchObject({ Exp: 1, Neg: 1 });
  });

  it('has one number where an array of JavaScript holds equal ones', () => {
    const size = 512;
    const bytes = traceFunction(
      tensorFlow,
      (x: Tensor2D) => tf.add(x, tf.tensor2d(new Float32Array(size * size).fill(7), [size, size])),
      [tf.zeros<Rank.R2>([size, size])],
    ).graph.encode();
    expect(bytes.length).toBeLessThan(4_000);
  });
});
