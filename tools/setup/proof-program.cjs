// Multiplies two matrices with TensorFlow and prints the version and the device.
process.env.TF_CPP_MIN_LOG_LEVEL = '2';
// Two helpers that tfjs-node calls and Node 23 no longer has.
Object.assign(require('node:util'), {
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value === null || value === undefined,
});
// As libs/graph does: the entry of the package also loads an installer, which package.json's overrides leave out.
const name = '@tensorflow/tfjs-node-gpu';
require(`${name}/dist/register_all_kernels`);
const { NodeJSKernelBackend } = require(`${name}/dist/nodejs_kernel_backend`);
const binding = require(`${name}/lib/napi-v8/tfjs_binding.node`);
const tf = require('@tensorflow/tfjs-core');
tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, name));
void tf.setBackend('tensorflow');

const left = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const right = tf.tensor2d([5, 6, 7, 8], [2, 2]);
const product = tf.matMul(left, right).dataSync().join();
if (product !== '19,22,43,50') throw new Error(`wrong product: ${product}`);

console.log(`TensorFlow ${binding.TF_Version} on ${tf.backend().isUsingGpuDevice ? 'GPU' : 'CPU'}`);
