// Squares a matrix filled with the thread's number, many times over, and posts the sum of the elements.
import { parentPort, workerData } from 'node:worker_threads';
import { startTensorFlow } from '@berth/graph';

const { tf } = startTensorFlow(workerData.options);
const matrix = tf.mul(tf.ones([256, 256]), workerData.value);
const sums = Array.from({ length: 50 }, () =>
  tf.tidy(() => tf.sum(tf.matMul(matrix, matrix)).dataSync()[0]),
);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort.postMessage(sums);
