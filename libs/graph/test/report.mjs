// Starts TensorFlow in a process of its own, multiplies, and prints what the caller checks.
import { block, compile, startTensorFlow } from '@berth/graph';

const tensorFlow = startTensorFlow(JSON.parse(process.argv[2]));
const { tf, kernels } = tensorFlow;
tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync();
console.log(`kernels=${kernels}`);

// (1 + u)(1 - u) - 1 is -u * u, which is lost when the product is rounded before the sum.
const u = 2 ** -13;
const filled = (value) => tf.tensor1d(Float32Array.from({ length: 64 }, () => value));
const productAndSum = block('product_and_sum', (x, y, z) => tf.add(tf.mul(x, y), z));
const inputs = [filled(1 + u), filled(1 - u), filled(-1)];
const [result] = compile(tensorFlow, (...xs) => productAndSum(...xs), inputs)(...inputs);
console.log(`fused=${result.dataSync()[0] !== 0}`);
