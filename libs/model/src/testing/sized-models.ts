import {
  modelSectionSchema,
  resolveModelConfig,
  tasks,
  type BatchShape,
  type GradientRequest,
  type ModelConfig,
} from '@berth/contracts';
import type { EngineOptions } from '../eager/eager-engine.ts';
import { madeUpBatch } from '../made-up-batch.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { goldenOptimizer } from './golden.ts';

export const sizedShape: BatchShape = { batchSize: 4, maxSeqLength: 32, maxPredictions: 5 };

/** A published size with a small vocabulary, dropout on. */
export function sizedOptions(
  size: 'tiny' | 'mini',
  precision: 'fp32' | 'bf16',
): EngineOptions & {
  readonly train: { readonly numSteps: number; readonly virtualRanks: number };
} {
  return {
    task: pretrainingModel,
    model: resolveModelConfig(modelSectionSchema.parse({ size }), 1000),
    optimizer: { ...goldenOptimizer('adamw'), learningRate: 1e-3, numWarmupSteps: 0 },
    train: { numSteps: 10_000, virtualRanks: 2 },
    seed: 99,
    precision,
  };
}

/** A block of two virtual ranks of two micro-batches each. */
export function sizedRequest(model: ModelConfig, step: number): GradientRequest {
  const batch = madeUpBatch(tasks.pretraining, sizedShape, model.vocabSize, 0);
  return {
    step,
    block: { start: 0, length: 2 },
    ranks: [0, 1].map((virtualRank) => ({ virtualRank, microBatches: [batch, batch] })),
    lossScales: { masked_lm: 1 / 64, next_sentence: 1 / 16 },
  };
}
