import type { ModelConfig } from '@berth/contracts';

/** The shape of one example: tokens, padding included, and prediction slots. */
export interface ExampleShape {
  readonly seqLength: number;
  readonly numPredictions: number;
}

/** Matmul operations (a multiply and an add count as two) of one example's forward pass. */
export function forwardFlopsPerExample(config: ModelConfig, shape: ExampleShape): number {
  const { hiddenSize: H, intermediateSize: F, vocabSize: V, numLayers } = config;
  const { seqLength: S, numPredictions: P } = shape;
  const projections = S * (4 * H * H + 2 * H * F);
  const attention = 2 * S * S * H;
  const heads = H * H + P * (H * H + H * V) + 2 * H;
  return 2 * (numLayers * (projections + attention) + heads);
}

/** Matmul operations of a training step: the backward pass costs twice the forward one. */
export function trainingFlopsPerStep(
  config: ModelConfig,
  shape: ExampleShape,
  globalBatch: number,
): number {
  return 3 * globalBatch * forwardFlopsPerExample(config, shape);
}
