import type { ExampleSizes, ModelConfig } from '@berth/contracts';

/** Matmul operations (a multiply and an add count as two) of one example's forward pass, padding included. */
export function forwardFlopsPerExample(config: ModelConfig, sizes: ExampleSizes): number {
  const { hiddenSize: H, intermediateSize: F, vocabSize: V, numLayers } = config;
  const { maxSeqLength: S, maxPredictions: P } = sizes;
  const projections = S * (4 * H * H + 2 * H * F);
  const attention = 2 * S * S * H;
  const heads = H * H + P * (H * H + H * V) + 2 * H;
  return 2 * (numLayers * (projections + attention) + heads);
}

/** Matmul operations of a training step: the backward pass costs twice the forward one. */
export function trainingFlopsPerStep(
  config: ModelConfig,
  sizes: ExampleSizes,
  globalBatch: number,
): number {
  return 3 * globalBatch * forwardFlopsPerExample(config, sizes);
}
