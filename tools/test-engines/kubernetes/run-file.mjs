import { join } from 'node:path';

export const runName = 'kubernetes-test';

/** A very small model with short steps; with a constant rate its weights do not depend on how many steps are planned. */
export function runFile(root, numSteps = 1_000) {
  return {
    name: runName,
    seed: 7,
    corpus: { path: join(root, 'libs/data/test/golden/excerpt.txt'), heldOutRatio: 0.1 },
    vocabulary: { size: 1000 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
    optimizer: { learningRate: 1e-3, numWarmupSteps: 5, schedule: 'constant' },
    train: {
      numSteps,
      globalBatch: 16,
      virtualRanks: 8,
      numEvalExamples: 16,
      checkpointEverySteps: 200,
    },
  };
}
