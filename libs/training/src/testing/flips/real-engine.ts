import {
  lossScalesOf,
  parseRunConfig,
  unpackGradient,
  type AlignedBlock,
  type ModelConfig,
  type TrainingEngine,
  type TrainingState,
} from '@berth/contracts';
import type { TensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, madeUpBatch, taskModels } from '@berth/model';
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
const shape = { batchSize: 2, maxSeqLength: 8, maxPredictions: 2 };
const task = taskModels.pretraining;
const { optimizer } = parseRunConfig({ name: 'flips', corpus: { path: 'a.txt' } }, 'test');
const train = { numSteps: 1_000, virtualRanks: 4 } as const;

/** An engine as workers have it, on made-up examples. */
export class RealEngine implements FlipEngine {
  readonly #engine: TrainingEngine;

  constructor(kind: 'graph' | 'eager', tensorFlow: TensorFlow) {
    const common = { task, model, optimizer, train, seed: 7, precision: 'fp32' } as const;
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
      const seed = step * train.virtualRanks + virtualRank;
      return { virtualRank, microBatches: [madeUpBatch(task.task, shape, model.vocabSize, seed)] };
    });
    const lossScales = lossScalesOf(task.task, { maskedWeight: 16, numExamples: 8 });
    const gradient = this.#engine.computeGradients({ step, block, ranks, lossScales });
    return unpackGradient(gradient, this.#engine.numParameters).slice();
  }

  apply(reduced: Float32Array): void {
    this.#engine.applyGradients(reduced);
  }

  dispose(): void {
    this.#engine.dispose();
  }
}
