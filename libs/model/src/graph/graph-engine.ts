import {
  BerthError,
  addSums,
  isMeasuredByPredictions,
  bf16PaddedLength,
  digestHex,
  examplesOf,
  learningRateAt,
  numStateSlices,
  sumsFromVector,
  type ApplyResult,
  type BatchShape,
  type ExampleBatch,
  type GradientRequest,
  type GradientVector,
  type HeldGradient,
  type Measured,
  type OnReady,
  type Outputs,
  type ParameterSpec,
  type StateVectors,
  type StepSums,
  type Task,
  type TrainConfig,
  type TrainingEngine,
  type TrainingState,
} from '@berth/contracts';
import {
  openGraphSession,
  type GraphSession,
  type GraphSessionOptions,
  type TensorData,
  type TensorFlow,
} from '@berth/graph';
import { clipFactor, globalNorm, requireFiniteNorm } from '../clip.ts';
import type { EngineOptions } from '../eager/eager-engine.ts';
import { initialState } from '../engine-state.ts';
import { numParametersOf, parameterLayout } from '../parameters/parameter-layout.ts';
import { accumulateBlock, type OnSummed } from './accumulate.ts';
import { batchData } from './batch-inputs.ts';
import { gradientBuckets, type GradientBucket } from './gradient-buckets.ts';
import { graphParameters } from './graph-parameters.ts';
import { StateWindow } from './state-window.ts';
import { trainingGraph } from './training-graph.ts';
import { floatsOf, joined, pairsOf } from './vectors.ts';

/** With precision `bf16`, activations and matrix products are in it; weights, sums, optimizer and statistics stay float32. */
export interface GraphEngineOptions extends EngineOptions {
  readonly tensorFlow: TensorFlow;
  readonly train: Pick<TrainConfig, 'numSteps' | 'virtualRanks'>;
  /** Static shape of a micro-batch. */
  readonly shape: BatchShape;
  /** Where compiled graphs are kept. Default: the user's cache. */
  readonly cacheFolder?: GraphSessionOptions['cacheFolder'];
}

/** A training engine whose gradient can stay on the device: for a lone member, who has nobody to share it with. */
export interface GraphEngine extends TrainingEngine {
  /** As `computeGradients`, but the gradient stays on the device, for `applyHeldGradients`. */
  holdGradients(request: GradientRequest): HeldGradient;
  /** The gradient that was computed last, as `computeGradients` gives it. */
  readHeldGradients(into?: GradientVector): GradientVector;
}

/** Results of a signature for a part of a batch. */
interface Piece {
  readonly piece: ExampleBatch;
  readonly results: Record<string, TensorData>;
}

/**
 * A training engine that runs as one compiled TensorFlow graph. Weights, moments and gradient sums live in its session; a step
 * feeds the batch and reads one flat gradient, or none. The same model, dropout masks and order of sums as the eager engine.
 */
export function createGraphEngine(options: GraphEngineOptions): GraphEngine {
  return new CompiledEngine(options);
}

class CompiledEngine implements GraphEngine {
  readonly task: Task;
  readonly layout: readonly ParameterSpec[];
  readonly numParameters: number;
  readonly #options: GraphEngineOptions;
  readonly #session: GraphSession;
  readonly #window: StateWindow;
  readonly #buckets: readonly GradientBucket[];
  #step: number | undefined;
  /** Of the session's current gradient, once all of it is there. */
  #gradientNorm: number | undefined;

  constructor(options: GraphEngineOptions) {
    const { task, model, optimizer, shape, precision, train } = options;
    this.#options = options;
    this.task = task.task;
    this.layout = parameterLayout(model, task);
    this.numParameters = numParametersOf(this.layout);
    const parameters = graphParameters(this.layout);
    this.#window = new StateWindow(parameters);
    // A GPU would have to copy what its gradient is summed from.
    const buckets = options.tensorFlow.device === 'cpu' ? gradientBuckets(parameters) : [];
    this.#buckets = buckets.length < 2 ? [] : buckets;
    const graph = trainingGraph({
      task,
      model,
      optimizer,
      layout: this.layout,
      shape,
      compute: precision === 'bf16' ? 'bfloat16' : 'float32',
      numLevels: Math.log2(train.virtualRanks),
      allReduceDtype: options.allReduceDtype ?? 'fp32',
      buckets: this.#buckets,
    });
    const { cacheFolder } = options;
    this.#session = openGraphSession(
      options.tensorFlow,
      graph,
      cacheFolder === undefined ? {} : { cacheFolder },
    );
  }

  initialize(seed: number): void {
    this.loadState(initialState(this.layout, this.#options.model, seed));
  }

  loadState(state: TrainingState): void {
    const vectors = {
      weight: state.weights,
      firstMoment: state.firstMoments,
      secondMoment: state.secondMoments,
    };
    for (const flat of Object.values(vectors)) this.#checkLength(flat);
    for (const [kind, flat] of Object.entries(vectors))
      this.#session.run(`load_${kind}`, this.#partsOf(flat));
    this.#step = state.step;
  }

  readState(into?: StateVectors): TrainingState {
    const step = this.#loadedStep();
    const read = (kind: string, given: Float32Array | undefined): Float32Array => {
      const flat = given ?? new Float32Array(this.numParameters);
      this.#checkLength(flat);
      this.#session.runInto(`read_${kind}`, this.#partsOf(flat));
      return flat;
    };
    return {
      step,
      weights: read('weight', into?.weights),
      firstMoments: read('firstMoment', into?.firstMoments),
      secondMoments: read('secondMoment', into?.secondMoments),
    };
  }

  stateDigest(slice?: number): string {
    this.#loadedStep();
    const slices = slice === undefined ? [...Array(numStateSlices).keys()] : [slice];
    const total = new Uint32Array(2);
    for (const index of slices) this.#window.addToDigest(total, this.#session, index);
    return digestHex(total);
  }

  computeGradients(
    request: GradientRequest,
    into?: GradientVector,
    onReady?: OnReady,
  ): GradientVector {
    if (onReady !== undefined && this.#buckets.length > 0)
      return this.#computeInBuckets(request, into ?? this.#newVector(), onReady);
    this.#accumulate(request);
    return this.readHeldGradients(into);
  }

  holdGradients(request: GradientRequest): HeldGradient {
    this.#accumulate(request);
    const { sums, digest } = this.#session.run('describe');
    return {
      sums: sumsFromVector(this.task.sums, sums as Float32Array),
      digest: digestHex(new Uint32Array(digest as Int32Array)),
      gradientNorm: this.#measureNorm(),
    };
  }

  readHeldGradients(into = this.#newVector()): GradientVector {
    this.#clearPadding(into);
    this.#session.runInto('read_gradient', { ...this.#partsOf(into), sums: this.#sumsOf(into) });
    return into;
  }

  takeGradients(reduced: GradientVector): number {
    const sums = floatsOf(this.#sumsOf(reduced));
    if (reduced instanceof Float32Array)
      this.#session.run('load_gradient', { ...this.#partsOf(reduced), sums });
    else {
      const pairs = reduced.subarray(0, bf16PaddedLength(this.numParameters));
      this.#session.run('load_gradient', { pairs: pairsOf(pairs), sums });
    }
    return this.#measureNorm();
  }

  applyGradients(reduced: GradientVector): ApplyResult {
    this.takeGradients(reduced);
    return this.applyHeldGradients();
  }

  applyHeldGradients(): ApplyResult {
    const { optimizer: config, train } = this.#options;
    const step = this.#loadedStep();
    const gradientNorm = this.#gradientNorm;
    if (gradientNorm === undefined) throw new BerthError('INTERNAL', 'no gradient was taken in');
    requireFiniteNorm(gradientNorm, step);
    const learningRate = learningRateAt(config, train.numSteps, step);
    this.#session.run('update', {
      clipFactor: Float32Array.of(clipFactor(gradientNorm, config.clipNorm)),
      learningRate: Float32Array.of(learningRate),
      firstCorrection: Float32Array.of(1 - config.beta1 ** (step + 1)),
      secondCorrection: Float32Array.of(1 - config.beta2 ** (step + 1)),
    });
    this.#step = step + 1;
    return { gradientNorm, learningRate };
  }

  evaluate(batch: ExampleBatch): StepSums {
    const { sums: names } = this.task;
    const pieces = this.#inPieces(batch, 'evaluate').map(({ results }) =>
      sumsFromVector(names, results['sums'] as Float32Array),
    );
    return addSums(names, pieces);
  }

  predict(batch: ExampleBatch): Outputs {
    return this.#outputsOf(this.#inPieces(batch, 'predict'));
  }

  measure(batch: ExampleBatch): Measured {
    if (!isMeasuredByPredictions(this.task))
      return { sums: this.evaluate(batch), outputs: this.predict(batch) };
    const sums: StepSums[] = [];
    const pieces = this.#inPieces(batch, 'measure').map(({ piece, results }) => {
      const { sums: ofPiece, ...outputs } = results;
      sums.push(sumsFromVector(this.task.sums, ofPiece as Float32Array));
      return { piece, results: outputs };
    });
    return { sums: addSums(this.task.sums, sums), outputs: this.#outputsOf(pieces) };
  }

  dispose(): void {
    this.#session.dispose();
  }

  #outputsOf(pieces: readonly Piece[]): Outputs {
    const own = pieces.map(({ piece, results }) => {
      // Behind the piece's own examples come those that fill up the batch.
      const share = piece.batchSize / this.#options.shape.batchSize;
      return Object.entries(results).map(([name, values]) => ({
        name,
        values: (values as Float32Array).subarray(0, values.length * share),
      }));
    });
    const names = own[0]?.map(({ name }) => name) ?? [];
    return Object.fromEntries(
      names.map((name, index) => [name, joined(own.map((parts) => parts[index]!.values))]),
    );
  }

  /** Runs a signature on a batch of any size, as many examples at a time as the graph was compiled for. */
  #inPieces(batch: ExampleBatch, signature: string): Piece[] {
    this.#loadedStep();
    const { shape } = this.#options;
    const numPieces = Math.ceil(batch.batchSize / shape.batchSize);
    return Array.from({ length: numPieces }, (_, index) => {
      const from = index * shape.batchSize;
      const piece = examplesOf(batch, from, Math.min(batch.batchSize, from + shape.batchSize));
      return {
        piece,
        results: this.#session.run(signature, batchData(piece, this.task, shape)),
      };
    });
  }

  #computeInBuckets(
    request: GradientRequest,
    into: GradientVector,
    onReady: OnReady,
  ): GradientVector {
    this.#clearPadding(into);
    const targets = { ...this.#partsOf(into), sums: this.#sumsOf(into) };
    this.#accumulate(request, ({ name, firstElement }) => {
      this.#session.runInto(`read_gradient_${name}`, targets);
      onReady(firstElement);
    });
    return into;
  }

  #accumulate(request: GradientRequest, onSummed?: OnSummed): void {
    this.#loadedStep();
    this.#gradientNorm = undefined;
    const options = { ...this.#options, buckets: this.#buckets };
    accumulateBlock(this.#session, request, options, onSummed);
  }

  /** Elements between gradient and sums, where there are any. */
  #clearPadding(vector: GradientVector): void {
    if (vector instanceof Float32Array) return;
    vector.fill(0, this.numParameters, vector.length - this.#sumsOf(vector).length);
  }

  #measureNorm(): number {
    const norms = this.#session.run('norms')['norms'] as Float32Array;
    this.#gradientNorm = globalNorm(norms, norms.length);
    return this.#gradientNorm;
  }

  /** Views of a flat vector's parameters, by name. */
  #partsOf<T extends GradientVector>(flat: T): Record<string, T> {
    return Object.fromEntries(
      this.layout.map(({ name, offset, size }) => [
        name,
        flat.subarray(offset, offset + size) as T,
      ]),
    );
  }

  #newVector(): GradientVector {
    const { numParameters } = this;
    const numSums = this.task.sums.length;
    return this.#options.allReduceDtype === 'bf16'
      ? new Uint16Array(bf16PaddedLength(numParameters) + 2 * numSums)
      : new Float32Array(numParameters + numSums);
  }

  /** The step sums at the end of a vector, float32 in either dtype. */
  #sumsOf(vector: GradientVector): GradientVector {
    const width = Float32Array.BYTES_PER_ELEMENT / vector.BYTES_PER_ELEMENT;
    return vector.subarray(vector.length - width * this.task.sums.length);
  }

  #loadedStep(): number {
    if (this.#step !== undefined) return this.#step;
    throw new BerthError('INTERNAL', 'the engine holds no weights; call initialize or loadState');
  }

  #checkLength(flat: Float32Array): void {
    if (flat.length === this.numParameters) return;
    throw new BerthError(
      'CHECKPOINT_MISMATCH',
      `the state has ${flat.length} values, the model ${this.numParameters} parameters; ` +
        'use the model section and vocabulary the state was made with',
    );
  }
}
