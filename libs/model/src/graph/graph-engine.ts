import {
  BerthError,
  bf16PaddedLength,
  digestHex,
  numStateSlices,
  numStepSums,
  stepSumNames,
  sumsFromVector,
  type ApplyResult,
  type ExampleBatch,
  type GradientRequest,
  type GradientVector,
  type HeldGradient,
  type ParameterSpec,
  type StateVectors,
  type StepSums,
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
import { dropoutKey } from '../eager/dropout.ts';
import type { EngineOptions } from '../eager/eager-engine.ts';
import { checkRanks, initialState } from '../engine-state.ts';
import { numParametersOf, parameterLayout } from '../parameters/parameter-layout.ts';
import { learningRateAt } from '../schedule.ts';
import { batchData } from './batch-inputs.ts';
import { cutBatch, type BatchShape } from './batch-shape.ts';
import { numDropoutSites } from './step-context.ts';
import { graphParameters } from './graph-parameters.ts';
import { StateWindow } from './state-window.ts';
import { trainingGraph } from './training-graph.ts';

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

/**
 * A training engine that runs as one compiled TensorFlow graph. Weights, moments and gradient sums live in its session; a step
 * feeds the batch and reads one flat gradient, or none. The same model, dropout masks and order of sums as the eager engine.
 */
export function createGraphEngine(options: GraphEngineOptions): GraphEngine {
  return new CompiledEngine(options);
}

class CompiledEngine implements GraphEngine {
  readonly layout: readonly ParameterSpec[];
  readonly numParameters: number;
  private readonly options: GraphEngineOptions;
  private readonly session: GraphSession;
  private readonly window: StateWindow;
  private step: number | undefined;
  /** Of the session's current gradient, once all of it is there. */
  private gradientNorm: number | undefined;

  constructor(options: GraphEngineOptions) {
    const { model, optimizer, shape, precision, train } = options;
    this.options = options;
    this.layout = parameterLayout(model);
    this.numParameters = numParametersOf(this.layout);
    this.window = new StateWindow(graphParameters(this.layout));
    const graph = trainingGraph({
      model,
      optimizer,
      layout: this.layout,
      shape,
      compute: precision === 'bf16' ? 'bfloat16' : 'float32',
      numLevels: Math.log2(train.virtualRanks),
      wire: options.wire ?? 'fp32',
    });
    const { cacheFolder } = options;
    this.session = openGraphSession(
      options.tensorFlow,
      graph,
      cacheFolder === undefined ? {} : { cacheFolder },
    );
  }

  initialize(seed: number): void {
    this.loadState(initialState(this.layout, this.options.model, seed));
  }

  loadState(state: TrainingState): void {
    const vectors = {
      weight: state.weights,
      firstMoment: state.firstMoments,
      secondMoment: state.secondMoments,
    };
    for (const flat of Object.values(vectors)) this.checkLength(flat);
    for (const [kind, flat] of Object.entries(vectors))
      this.session.run(`load_${kind}`, this.partsOf(flat));
    this.step = state.step;
  }

  readState(into?: StateVectors): TrainingState {
    const step = this.loadedStep();
    const read = (kind: string, given: Float32Array | undefined): Float32Array => {
      const flat = given ?? new Float32Array(this.numParameters);
      this.checkLength(flat);
      this.session.runInto(`read_${kind}`, this.partsOf(flat));
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
    this.loadedStep();
    const slices = slice === undefined ? [...Array(numStateSlices).keys()] : [slice];
    const total = new Uint32Array(2);
    for (const index of slices) this.window.addToDigest(total, this.session, index);
    return digestHex(total);
  }

  computeGradients(request: GradientRequest, into?: GradientVector): GradientVector {
    this.accumulate(request);
    return this.readHeldGradients(into);
  }

  holdGradients(request: GradientRequest): HeldGradient {
    this.accumulate(request);
    const { sums, digest } = this.session.run('describe');
    return {
      sums: sumsFromVector(sums as Float32Array),
      digest: digestHex(new Uint32Array(digest as Int32Array)),
      gradientNorm: this.measureNorm(),
    };
  }

  readHeldGradients(into = this.newVector()): GradientVector {
    const sums = this.sumsOf(into);
    if (into instanceof Uint16Array) into.fill(0, this.numParameters, into.length - sums.length);
    this.session.runInto('read_gradient', { ...this.partsOf(into), sums });
    return into;
  }

  takeGradients(reduced: GradientVector): number {
    const sums = floatsOf(this.sumsOf(reduced));
    if (reduced instanceof Float32Array)
      this.session.run('load_gradient', { ...this.partsOf(reduced), sums });
    else {
      const pairs = reduced.subarray(0, bf16PaddedLength(this.numParameters));
      this.session.run('load_gradient', { pairs: pairsOf(pairs), sums });
    }
    return this.measureNorm();
  }

  applyGradients(reduced: GradientVector): ApplyResult {
    this.takeGradients(reduced);
    return this.applyHeldGradients();
  }

  applyHeldGradients(): ApplyResult {
    const { optimizer: config, train } = this.options;
    const step = this.loadedStep();
    const { gradientNorm } = this;
    if (gradientNorm === undefined) throw new BerthError('INTERNAL', 'no gradient was taken in');
    requireFiniteNorm(gradientNorm, step);
    const learningRate = learningRateAt(config, train.numSteps, step);
    this.session.run('update', {
      clipFactor: Float32Array.of(clipFactor(gradientNorm, config.clipNorm)),
      learningRate: Float32Array.of(learningRate),
      firstCorrection: Float32Array.of(1 - config.beta1 ** (step + 1)),
      secondCorrection: Float32Array.of(1 - config.beta2 ** (step + 1)),
    });
    this.step = step + 1;
    return { gradientNorm, learningRate };
  }

  evaluate(batch: ExampleBatch): StepSums {
    this.loadedStep();
    const { shape } = this.options;
    const pieces = cutBatch(batch, shape.batchSize).map((piece) =>
      sumsFromVector(this.read('evaluate', 'sums', batchData(piece, shape))),
    );
    const total = (name: (typeof stepSumNames)[number]): number =>
      pieces.reduce((sum, piece) => sum + piece[name], 0);
    return Object.fromEntries(stepSumNames.map((name) => [name, total(name)])) as StepSums;
  }

  dispose(): void {
    this.session.dispose();
  }

  /** Leaves the block's sum as the session's current one: micro-batches in order, virtual ranks as a binary counter. */
  private accumulate(request: GradientRequest): void {
    this.loadedStep();
    this.gradientNorm = undefined;
    checkRanks(request);
    request.ranks.forEach(({ virtualRank, microBatches }, index) => {
      microBatches.forEach((batch, microBatch) =>
        this.session.run(microBatch === 0 ? 'start' : 'accumulate', {
          ...batchData(batch, this.options.shape),
          dropoutKeys_K2: this.dropoutKeys(request.step, virtualRank, microBatch),
          maskedLmScale: Float32Array.of(request.maskedLmScale),
          nextSentenceScale: Float32Array.of(request.nextSentenceScale),
        }),
      );
      const level = trailingOnes(index);
      const isLast = index === request.ranks.length - 1;
      const numCarried = isLast ? level : level - 1;
      for (let below = 0; below < numCarried; below++) this.session.run(`carry_${below}`);
      if (!isLast) this.session.run(`keep_${level}`);
      else if (level === 0 && this.options.wire === 'bf16') this.session.run('round');
    });
  }

  private measureNorm(): number {
    const norms = this.read('norms', 'norms');
    this.gradientNorm = globalNorm(norms, norms.length);
    return this.gradientNorm;
  }

  private dropoutKeys(step: number, virtualRank: number, microBatch: number): Int32Array {
    const pass = { seed: this.options.seed, step, virtualRank, microBatch };
    const sites = Array.from({ length: numDropoutSites(this.options.model) }, (_, site) => site);
    return Int32Array.from(sites.flatMap((site) => dropoutKey(pass, site)));
  }

  /** Views of a flat vector's parameters, by name. */
  private partsOf<T extends GradientVector>(flat: T): Record<string, T> {
    return Object.fromEntries(
      this.layout.map(({ name, offset, size }) => [
        name,
        flat.subarray(offset, offset + size) as T,
      ]),
    );
  }

  private newVector(): GradientVector {
    const { numParameters } = this;
    return this.options.wire === 'bf16'
      ? new Uint16Array(bf16PaddedLength(numParameters) + 2 * numStepSums)
      : new Float32Array(numParameters + numStepSums);
  }

  /** The step sums at the end of a vector, float32 on any wire. */
  private sumsOf(vector: GradientVector): GradientVector {
    const width = Float32Array.BYTES_PER_ELEMENT / vector.BYTES_PER_ELEMENT;
    return vector.subarray(vector.length - width * numStepSums);
  }

  private read(
    signature: string,
    output: string,
    inputs: Readonly<Record<string, TensorData>> = {},
  ): Float32Array {
    return this.session.run(signature, inputs)[output] as Float32Array;
  }

  private loadedStep(): number {
    if (this.step !== undefined) return this.step;
    throw new BerthError('INTERNAL', 'the engine holds no weights; call initialize or loadState');
  }

  private checkLength(flat: Float32Array): void {
    if (flat.length === this.numParameters) return;
    throw new BerthError(
      'CHECKPOINT_MISMATCH',
      `the state has ${flat.length} values, the model ${this.numParameters} parameters; ` +
        'use the model section and vocabulary the state was made with',
    );
  }
}

/** Levels of the tree that are complete when this rank's sum is made. */
function trailingOnes(index: number): number {
  return 31 - Math.clz32(~index & (index + 1));
}

function floatsOf({ buffer, byteOffset, byteLength }: GradientVector): Float32Array {
  return new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT);
}

function pairsOf({ buffer, byteOffset, length }: Uint16Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length / 2);
}
