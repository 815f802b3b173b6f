import type { ExampleBatch, GradientRequest, TrainingEngine } from '@berth/contracts';
import type { EngineSpec } from './create-engine.ts';

/**
 * Does one step that counts for nothing, so that TensorFlow compiles and the first real step is as fast as any: the
 * others wait for it. Leaves the engine without a state worth keeping; it is initialised or loaded before it trains.
 */
export function warmUp(engine: TrainingEngine, { seed, shape, train }: EngineSpec): void {
  engine.initialize(seed);
  // Two ranks, because sums of ranks are compiled too.
  const ranks = Array.from({ length: Math.min(2, train.virtualRanks) }, (_, virtualRank) => ({
    virtualRank,
    microBatches: [blankBatch(shape)],
  }));
  const request: GradientRequest = {
    step: 0,
    block: { start: 0, length: ranks.length },
    ranks,
    maskedLmScale: 1,
    nextSentenceScale: 1,
  };
  engine.holdGradients?.(request);
  engine.applyGradients(engine.computeGradients(request));
}

function blankBatch(shape: EngineSpec['shape']): ExampleBatch {
  const { batchSize, seqLength, numPredictions } = shape;
  return {
    ...shape,
    inputIds: new Int32Array(batchSize * seqLength),
    inputMask: new Int32Array(batchSize * seqLength).fill(1),
    segmentIds: new Int32Array(batchSize * seqLength),
    maskedPositions: new Int32Array(batchSize * numPredictions),
    maskedIds: new Int32Array(batchSize * numPredictions),
    maskedWeights: new Float32Array(batchSize * numPredictions).fill(1),
    nextSentenceLabels: new Int32Array(batchSize),
  };
}
