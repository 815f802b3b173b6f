// Starts TensorFlow in a process of its own, multiplies, and prints what the caller checks.
import { startTensorFlow } from '@berth/graph';

const { tf, kernels } = startTensorFlow(JSON.parse(process.argv[2]));
tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync();
console.log(`kernels=${kernels}`);
