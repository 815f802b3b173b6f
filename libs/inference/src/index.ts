export { Answerer } from './answer.ts';
export { heldOutBatchesOf } from './held-out-batches-of.ts';
