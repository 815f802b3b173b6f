import type { ExampleBatch } from '@berth/contracts';
import type { EngineSpec } from './create-engine.ts';

/** Examples that only look random: the same everywhere, with padding and unused predictions, another batch for each rank. */
export function warmUpBatch({ model, shape }: EngineSpec, virtualRank: number): ExampleBatch {
  const { batchSize, seqLength, numPredictions } = shape;
  const draw = drawer(virtualRank);
  const filled = (length: number, value: (index: number) => number): Int32Array =>
    Int32Array.from({ length }, (_, index) => value(index));
  const lengths = filled(batchSize, () => seqLength - draw(Math.ceil(seqLength / 4)));
  const switches = filled(batchSize, () => draw(seqLength));
  const lengthAt = (index: number, width: number): number =>
    lengths[Math.floor(index / width)] ?? 0;
  return {
    ...shape,
    inputIds: filled(batchSize * seqLength, () => draw(model.vocabSize)),
    inputMask: filled(batchSize * seqLength, (index) =>
      index % seqLength < lengthAt(index, seqLength) ? 1 : 0,
    ),
    segmentIds: filled(batchSize * seqLength, (index) =>
      index % seqLength < (switches[Math.floor(index / seqLength)] ?? 0) ? 0 : 1,
    ),
    maskedPositions: filled(batchSize * numPredictions, (index) =>
      draw(lengthAt(index, numPredictions)),
    ),
    maskedIds: filled(batchSize * numPredictions, () => draw(model.vocabSize)),
    maskedWeights: Float32Array.from({ length: batchSize * numPredictions }, (_, index) =>
      index % numPredictions === 0 || draw(8) > 0 ? 1 : 0,
    ),
    nextSentenceLabels: filled(batchSize, () => draw(2)),
  };
}

/** Draws integers below a bound: a hash (murmur3's finalizer) of how many were drawn. */
function drawer(seed: number): (bound: number) => number {
  let count = Math.imul(seed + 1, 0x9e37_79b9);
  return (bound) => {
    let word = (count = (count + 0x6d2b_79f5) | 0);
    word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    return ((word ^ (word >>> 16)) >>> 0) % bound;
  };
}
