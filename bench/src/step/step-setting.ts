import {
  lossScalesOf,
  modelSectionSchema,
  resolveModelConfig,
  runConfigSchema,
  tasks,
  type BatchShape,
  type ExampleBatch,
  type GradientRequest,
  type ModelConfig,
  type ModelSize,
  type OptimizerConfig,
} from '@berth/contracts';
import { syntheticBatch } from './synthetic-batch.ts';

/** What to measure: a whole training step of one virtual rank, dropout, clipping and update included. */
export interface StepSetting extends BatchShape {
  readonly size: ModelSize;
  readonly precision: 'fp32' | 'bf16';
  readonly engine: 'graph' | 'eager';
  readonly optimizer: 'adamw' | 'lamb';
  readonly device: 'cpu' | 'gpu';
  readonly numThreads: number;
  /** Tokens of the shortest example as a share of the longest; 1 is no padding. */
  readonly shortestRatio: number;
}

export const defaultStepSetting: StepSetting = {
  size: 'mini',
  precision: 'fp32',
  engine: 'graph',
  optimizer: 'adamw',
  device: 'cpu',
  numThreads: 2,
  batchSize: 8,
  maxSeqLength: 128,
  maxPredictions: 20,
  shortestRatio: 1,
};

const vocabSize = 30_522;

export interface StepWork {
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly shape: BatchShape;
  readonly batch: ExampleBatch;
  readonly request: (step: number) => GradientRequest;
}

/** Model, optimizer and batch of a setting; dropout is on, as in the BERT release. */
export function stepWork(setting: StepSetting): StepWork {
  const { size, batchSize, maxSeqLength, maxPredictions } = setting;
  const denominators = { maskedWeight: batchSize * maxPredictions, numExamples: batchSize };
  const model = resolveModelConfig(modelSectionSchema.parse({ size }), vocabSize);
  const { optimizer } = runConfigSchema.parse({
    name: 'bench',
    corpus: { path: 'none' },
    optimizer: { name: setting.optimizer },
  });
  const batch = syntheticBatch({ ...setting, vocabSize });
  return {
    model,
    optimizer,
    shape: { batchSize, maxSeqLength, maxPredictions },
    batch,
    request: (step) => ({
      step,
      block: { start: 0, length: 1 },
      ranks: [{ virtualRank: 0, microBatches: [batch] }],
      lossScales: lossScalesOf(tasks.pretraining, denominators),
    }),
  };
}
