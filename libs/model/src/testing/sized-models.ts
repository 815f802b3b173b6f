import {
  modelSectionSchema,
  resolveModelConfig,
  type ExampleBatch,
  type GradientRequest,
  type ModelConfig,
} from '@berth/contracts';
import type { EngineOptions } from '../eager/eager-engine.ts';
import { goldenOptimizer } from './golden.ts';

const shape = { batchSize: 4, seqLength: 32, numPredictions: 5 } as const;

/** A published size with a small vocabulary, dropout on. */
export function sizedOptions(
  size: 'tiny' | 'mini',
  precision: 'fp32' | 'bf16',
): EngineOptions & {
  readonly train: { readonly numSteps: number; readonly virtualRanks: number };
} {
  return {
    model: resolveModelConfig(modelSectionSchema.parse({ size }), 1000),
    optimizer: { ...goldenOptimizer('adamw'), learningRate: 1e-3, numWarmupSteps: 0 },
    train: { numSteps: 10_000, virtualRanks: 2 },
    seed: 99,
    precision,
  };
}

/** Made-up tokens; each example is shorter than the one before. */
export function modelBatch({ vocabSize }: ModelConfig): ExampleBatch {
  const { batchSize: B, seqLength: S, numPredictions: P } = shape;
  const id = (index: number): number => 5 + ((index * 7919) % (vocabSize - 5));
  const inputMask = Int32Array.from({ length: B * S }, (_, index) =>
    Number(index % S < S - 4 * Math.floor(index / S)),
  );
  return {
    ...shape,
    inputIds: inputMask.map((mask, index) => mask * id(index)),
    inputMask,
    segmentIds: inputMask.map((mask, index) => (mask === 1 && index % S > 9 ? 1 : 0)),
    maskedPositions: Int32Array.from({ length: B * P }, (_, slot) => 1 + (slot % P) * 3),
    maskedIds: Int32Array.from({ length: B * P }, (_, slot) => id(3 * slot)),
    maskedWeights: Float32Array.from({ length: B * P }, (_, slot) => Number(slot % P < 4)),
    nextSentenceLabels: Int32Array.from({ length: B }, (_, row) => row % 2),
  };
}

/** A block of two virtual ranks of two micro-batches each. */
export function sizedRequest(model: ModelConfig, step: number): GradientRequest {
  const batch = modelBatch(model);
  return {
    step,
    block: { start: 0, length: 2 },
    ranks: [0, 1].map((virtualRank) => ({ virtualRank, microBatches: [batch, batch] })),
    maskedLmScale: 1 / 64,
    nextSentenceScale: 1 / 16,
  };
}
