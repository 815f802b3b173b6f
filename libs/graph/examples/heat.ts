// Heat spreads over a plate: one time step is a stencil over the plate, which a block makes one pass over memory.
import { block, compile, startTensorFlow } from '@berth/graph';
import type { Rank, Tensor2D } from '@tensorflow/tfjs-core';
import { medianMs } from './timing.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;

const size = 512;
const stepsPerCall = 20;

/** Each inner point moves towards the mean of its neighbours; the edge keeps its temperature. */
function spread(plate: Tensor2D): Tensor2D {
  const inner = size - 2;
  const at = (row: number, column: number): Tensor2D =>
    tf.slice(plate, [row, column], [inner, inner]);
  const neighbours = tf.add(tf.add(at(0, 1), at(2, 1)), tf.add(at(1, 0), at(1, 2)));
  const change = tf.mul(tf.sub(neighbours, tf.mul(at(1, 1), 4)), 0.2);
  const edge: [number, number] = [1, 1];
  return tf.add(plate, tf.pad(change, [edge, edge]));
}

const fused = block('spread', spread);
const times =
  (step: (plate: Tensor2D) => Tensor2D) =>
  (plate: Tensor2D): Tensor2D => {
    for (let index = 0; index < stepsPerCall; index++) plate = step(plate);
    return plate;
  };

const hotEdge = tf.pad(tf.ones<Rank.R2>([1, size]), [
  [0, size - 1],
  [0, 0],
]);
const plain = compile(tensorFlow, times(spread), [hotEdge]);
const blocks = compile(tensorFlow, times(fused), [hotEdge]);

const eager = tf.tidy(() => times(spread)(hotEdge));
const [result] = blocks(hotEdge);
const difference = tf.max(tf.abs(tf.sub(eager, result!))).dataSync()[0]!;
console.log(
  `after ${stepsPerCall} steps, largest difference to op by op: ${difference.toExponential(0)}`,
);

const eagerMs = medianMs(() => tf.dispose(tf.tidy(() => times(spread)(hotEdge))), 9);
const plainMs = medianMs(() => tf.dispose(plain(hotEdge)), 9);
const blocksMs = medianMs(() => tf.dispose(blocks(hotEdge)), 9);
console.log(
  `${stepsPerCall} steps ${eagerMs.toFixed(0)} ms op by op, ${plainMs.toFixed(0)} ms compiled, ` +
    `${blocksMs.toFixed(0)} ms compiled with a block`,
);
