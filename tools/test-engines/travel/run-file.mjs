import { runFile as smallRun } from '../kubernetes/run-file.mjs';

export const runName = 'travel-test';

/** Steps long enough that a journey is some hundreds of them; with a constant rate its weights do not depend on how many are planned. */
export function runFile(root, numSteps = 1_000_000) {
  const { examples, train, ...rest } = smallRun(root, numSteps);
  return {
    ...rest,
    name: runName,
    examples: { ...examples, maxSeqLength: 64, maxPredictions: 10 },
    model: { size: 'tiny', maxPositions: 64 },
    train: { ...train, globalBatch: 64, checkpointEverySteps: 100 },
  };
}
