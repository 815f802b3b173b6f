import { createHash } from 'node:crypto';
import { startTensorFlow } from '@berth/graph';
import { createGraphEngine } from '../graph/graph-engine.ts';
import { sizedOptions, sizedRequest, sizedShape } from './sized-models.ts';

/** A process of its own: trains two steps and prints a digest of the weights. Arguments: size, precision, threads. */
const [, , size, precision, numThreads] = process.argv;
const tensorFlow = startTensorFlow({ numThreads: Number(numThreads), device: 'cpu' });
const options = sizedOptions(size as 'tiny' | 'mini', precision as 'fp32' | 'bf16');
const engine = createGraphEngine({ ...options, tensorFlow, shape: sizedShape });
engine.initialize(7);
for (const step of [0, 1]) {
  engine.holdGradients(sizedRequest(options.model, step));
  engine.applyHeldGradients();
}
const { weights } = engine.readState();
console.log(
  createHash('sha256').update(new Uint8Array(weights.buffer, weights.byteOffset)).digest('hex'),
);
