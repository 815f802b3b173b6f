// Learns to tell two spirals apart: a small network and its Adam step, which compiling makes one native call.
import { compile, startTensorFlow } from '@berth/graph';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { medianMs } from './timing.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;

const numPoints = 256;
const points = Array.from({ length: numPoints }, (_, index) => {
  const arm = index % 2;
  const radius = index / numPoints;
  const angle = 6 * radius + Math.PI * arm;
  return { x: [radius * Math.cos(angle), radius * Math.sin(angle)], arm };
});
const inputs = tf.tensor2d(points.map(({ x }) => x));
const labels = tf.tensor1d(points.map(({ arm }) => arm));

const sizes = [2, 32, 32, 1];
const layers = sizes.slice(1).map((size, index) => ({
  kernel: tf.variable(tf.randomNormal([sizes[index]!, size], 0, 0.5, 'float32', 7 + index)),
  bias: tf.variable(tf.zeros([size])),
}));
const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);

function lossOf(x: Tensor2D, y: Tensor1D) {
  let hidden = x;
  for (const [index, { kernel, bias }] of layers.entries()) {
    const sum = tf.add(tf.matMul(hidden, kernel), bias);
    hidden = (index === layers.length - 1 ? sum : tf.tanh(sum)) as Tensor2D;
  }
  return tf.losses.sigmoidCrossEntropy<Tensor1D, Scalar>(y, tf.squeeze(hidden, [1]));
}

const optimizer = tf.train.adam(0.02);
const step = (x: Tensor2D, y: Tensor1D) => optimizer.minimize(() => lossOf(x, y), true, variables)!;

const compiled = compile(tensorFlow, step, [inputs, labels]);
const [first] = compiled(inputs, labels);
for (let index = 0; index < 400; index++)
  for (const loss of compiled(inputs, labels)) loss.dispose();
const [last] = compiled(inputs, labels);
console.log(`loss ${first!.dataSync()[0]!.toFixed(3)} -> ${last!.dataSync()[0]!.toFixed(3)}`);

const eagerMs = medianMs(() => step(inputs, labels).dispose());
const compiledMs = medianMs(() => compiled(inputs, labels)[0]!.dispose());
console.log(`step ${eagerMs.toFixed(2)} ms op by op, ${compiledMs.toFixed(2)} ms compiled`);
