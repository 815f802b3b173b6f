import { join } from 'node:path';
import { root } from './berth.mjs';

export const runName = 'slurm-test';

/** A very small model with many short steps: what is tested is the cluster. Its weights do not depend on `numSteps`. */
export function runFile(numSteps) {
  return {
    name: runName,
    seed: 7,
    corpus: { path: join(root, 'libs/data/test/golden/excerpt.txt'), heldOutRatio: 0.1 },
    vocabulary: { size: 1000 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
    optimizer: { schedule: 'constant' },
    train: {
      engine: 'eager',
      numSteps,
      globalBatch: 8,
      virtualRanks: 4,
      numEvalExamples: 16,
      checkpointEverySteps: 200,
    },
    cluster: { numWorkers: 2 },
  };
}
