import {
  parseRunConfig,
  unpackGradient,
  type AlignedBlock,
  type ExampleBatch,
  type ModelConfig,
  type TrainingEngine,
  type TrainingState,
} from '@berth/contracts';
import type { TensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine } from '@berth/model';
import type { FlipEngine } from './flip-run.ts';

const model: ModelConfig = {
  vocabSize: 64,
  hiddenSize: 8,
  numLayers: 1,
  numHeads: 2,
  intermediateSize: 16,
  maxPositions: 16,
  typeVocabSize: 2,
  hiddenAct: 'gelu_new',
  hiddenDropoutRatio: 0.1,
  attentionDropoutRatio: 0.1,
  initializerRange: 0.02,
  layerNormEps: 1e-12,
};
const shape = { batchSize: 2, seqLength: 8, numPredictions: 2 };
const { optimizer } = parseRunConfig({ name: 'flips', corpus: { path: 'a.txt' } }, 'test');
const train = { numSteps: 1_000, virtualRanks: 4 } as const;

/** An engine as workers have it, on made-up examples. */
export class RealEngine implements FlipEngine {
  readonly #engine: TrainingEngine;

  constructor(kind: 'graph' | 'eager', tensorFlow: TensorFlow) {
    const common = { model, optimizer, train, seed: 7, precision: 'fp32' } as const;
    this.#engine =
      kind === 'eager'
        ? createEagerEngine(common)
        : createGraphEngine({ ...common, tensorFlow, shape });
  }

  initialState(): TrainingState {
    this.#engine.initialize(7);
    return this.#engine.readState();
  }

  loadState(state: TrainingState): void {
    this.#engine.loadState(state);
  }

  readState(): TrainingState {
    return this.#engine.readState();
  }

  stateDigest(slice?: number): string {
    return this.#engine.stateDigest(slice);
  }

  gradientOf(step: number, block: AlignedBlock): Float32Array {
    const ranks = Array.from({ length: block.length }, (_, index) => {
      const virtualRank = block.start + index;
      return { virtualRank, microBatches: [batchOf(step * train.virtualRanks + virtualRank)] };
    });
    const scales = { maskedLmScale: 1 / 16, nextSentenceScale: 1 / 8 };
    const gradient = this.#engine.computeGradients({ step, block, ranks, ...scales });
    return unpackGradient(gradient, this.#engine.numParameters).slice();
  }

  apply(reduced: Float32Array): void {
    this.#engine.applyGradients(reduced);
  }

  dispose(): void {
    this.#engine.dispose();
  }
}

function batchOf(number: number): ExampleBatch {
  const { batchSize, seqLength, numPredictions } = shape;
  const ints = (length: number, below: number, salt: number): Int32Array =>
    Int32Array.from({ length }, (_, index) => (index * 37 + number * 101 + salt) % below);
  return {
    ...shape,
    inputIds: ints(batchSize * seqLength, model.vocabSize, 5),
    inputMask: new Int32Array(batchSize * seqLength).fill(1),
    segmentIds: ints(batchSize * seqLength, 2, 0),
    maskedPositions: ints(batchSize * numPredictions, seqLength, 1),
    maskedIds: ints(batchSize * numPredictions, model.vocabSize, 3),
    maskedWeights: new Float32Array(batchSize * numPredictions).fill(1),
    nextSentenceLabels: ints(batchSize, 2, 1),
  };
}
