import { join } from 'node:path';

/**
 * A very small model with short steps: what is tested is who starts its workers. With a constant rate its weights do not depend on how many
 * steps are planned.
 * @param {string} name
 * @param {string} corpusFolder
 * @param {object} train - whatever is not the same everywhere
 */
export function smallRun(name, corpusFolder, train) {
  return {
    name,
    seed: 7,
    corpus: { path: join(corpusFolder, 'excerpt.txt'), heldOutRatio: 0.1 },
    vocabulary: { size: 1000 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
    model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
    optimizer: { schedule: 'constant' },
    train: { numEvalExamples: 16, checkpointEverySteps: 200, ...train },
  };
}

/** Where its text is in a checkout. */
export function textOf(root) {
  return join(root, 'libs/data/test/golden');
}
