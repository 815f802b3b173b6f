import type { RunConfig } from './run-config.ts';

/**
 * A config in which everything is counted in steps: a number of epochs, a warm-up as a share of all steps, and checkpoints that are
 * saved with each evaluation. Of a run in epochs that takes the number of its training examples: without it the config is as it was.
 */
export function withPlannedSteps(config: RunConfig, numTrainExamples?: number): RunConfig {
  const { numEpochs, ...train } = config.train;
  const { warmupRatio, ...optimizer } = config.optimizer;
  if (numEpochs !== undefined && numTrainExamples === undefined) return config;
  const stepsOf = (epochs: number): number =>
    Math.max(1, Math.ceil((epochs * (numTrainExamples ?? 0)) / train.globalBatch));
  const isInEpochs = numEpochs !== undefined;
  const numSteps = isInEpochs ? stepsOf(numEpochs) : train.numSteps;
  const evalEverySteps =
    isInEpochs && train.evalEverySteps === 0 ? stepsOf(1) : train.evalEverySteps;
  return {
    ...config,
    optimizer: {
      ...optimizer,
      ...(warmupRatio !== undefined && { numWarmupSteps: Math.floor(warmupRatio * numSteps) }),
    },
    train: {
      ...train,
      numSteps,
      evalEverySteps,
      checkpointEverySteps: train.checkpointEverySteps || evalEverySteps || numSteps,
    },
  };
}
