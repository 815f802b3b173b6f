import { smallRun, textOf } from '../small-run.mjs';

export const runName = 'kubernetes-test';

export function runFile(root, numSteps = 1_000) {
  const train = { numSteps, globalBatch: 16, virtualRanks: 8 };
  const optimizer = { learningRate: 1e-3, numWarmupSteps: 5, schedule: 'constant' };
  return { ...smallRun(runName, textOf(root), train), optimizer };
}
