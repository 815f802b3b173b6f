import {
  BerthError,
  learningRateAt,
  packGradient,
  roundToBf16,
  stateDigest,
  sumsFromVector,
  unpackGradient,
  type ApplyResult,
  type ExampleBatch,
  type GradientVector,
  type GradientRequest,
  type Measured,
  type ModelConfig,
  type OptimizerConfig,
  type Outputs,
  type ParameterSpec,
  type RankExamples,
  type StateVectors,
  type StepSums,
  type Task,
  type TrainConfig,
  type TrainingEngine,
  type TrainingState,
  type AllReduceDtype,
} from '@berth/contracts';
import { add, dispose, tensor1d, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { clipFactor, globalNorm, requireFiniteNorm } from '../clip.ts';
import { hostDropoutMasks } from './dropout.ts';
import { readAndDispose } from './flat-tensors.ts';
import { checkRanks, initialState } from '../engine-state.ts';
import { batchGradient, batchOutputs, batchSums, outputSums, type Model } from './micro-batch.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import { numParametersOf, parameterLayout } from '../parameters/parameter-layout.ts';
import { ParameterStore } from './parameter-store.ts';
import { sumInOrder, treeSum } from './ordered-sums.ts';

export interface EngineOptions {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly train: Pick<TrainConfig, 'numSteps'>;
  /** Decides the dropout masks; unsigned 32-bit. */
  readonly seed: number;
  readonly precision: TrainConfig['precision'];
  /** How gradients travel. @defaultValue fp32 */
  readonly allReduceDtype?: AllReduceDtype;
}

/**
 * A training engine that runs op by op on the current tfjs backend, which must be TensorFlow's. The oracle of faster engines:
 * the same model, dropout masks and order of sums.
 * @throws BerthError `CONFIG_INVALID` for a precision other than fp32
 */
export function createEagerEngine(options: EngineOptions): TrainingEngine {
  if (options.precision !== 'fp32')
    throw new BerthError(
      'CONFIG_INVALID',
      `the eager engine computes in fp32, not in train.precision ${options.precision}; use the graph engine`,
    );
  return new EagerEngine(options);
}

class EagerEngine implements TrainingEngine {
  readonly task: Task;
  readonly layout: readonly ParameterSpec[];
  readonly numParameters: number;
  readonly #options: EngineOptions;
  readonly #store: ParameterStore;
  #step = 0;
  /** By which the weights are to be updated. */
  #taken: { readonly gradient: Float32Array; readonly norm: number } | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.task = options.task.task;
    this.layout = parameterLayout(options.model, options.task);
    this.numParameters = numParametersOf(this.layout);
    this.#store = new ParameterStore(this.layout);
  }

  initialize(seed: number): void {
    this.loadState(initialState(this.layout, this.#options.model, seed));
  }

  loadState(state: TrainingState): void {
    this.#store.load(state);
    this.#step = state.step;
  }

  readState(into?: StateVectors): TrainingState {
    const copy = this.#store.read();
    into?.weights.set(copy.weights);
    into?.firstMoments.set(copy.firstMoments);
    into?.secondMoments.set(copy.secondMoments);
    return { step: this.#step, ...(into ?? copy) };
  }

  stateDigest(slice?: number): string {
    return stateDigest(this.#store.read(), slice);
  }

  computeGradients(request: GradientRequest, into?: GradientVector): GradientVector {
    checkRanks(request);
    const { allReduceDtype = 'fp32' } = this.#options;
    const model = this.#model();
    const { numParameters } = this;
    const node = (sum: Tensor1D): Tensor1D =>
      allReduceDtype === 'bf16' ? roundNode(sum, numParameters) : sum;
    const sum_N = treeSum(
      request.ranks.map((rank) => () => node(this.#rankGradient(model, request, rank))),
      (left, right) => node(addAndDispose(left, right)),
    );
    const vector = packGradient(readAndDispose(sum_N), numParameters, allReduceDtype);
    into?.set(vector);
    return into ?? vector;
  }

  takeGradients(reduced: GradientVector): number {
    const gradient = unpackGradient(reduced, this.numParameters);
    const norm = globalNorm(gradient, this.numParameters);
    this.#taken = { gradient, norm };
    return norm;
  }

  applyHeldGradients(): ApplyResult {
    const { optimizer: config, train } = this.#options;
    const [step, taken] = [this.#step, this.#taken];
    if (taken === undefined) throw new BerthError('INTERNAL', 'no gradient was taken in');
    requireFiniteNorm(taken.norm, step);
    const learningRate = learningRateAt(config, train.numSteps, step);
    const factor = clipFactor(taken.norm, config.clipNorm);
    this.#store.update(taken.gradient, factor, { config, step, learningRate });
    this.#step = step + 1;
    return { gradientNorm: taken.norm, learningRate };
  }

  applyGradients(reduced: GradientVector): ApplyResult {
    this.takeGradients(reduced);
    return this.applyHeldGradients();
  }

  evaluate(batch: ExampleBatch): StepSums {
    return sumsFromVector(this.task.sums, readAndDispose(batchSums(this.#model(), batch)));
  }

  predict(batch: ExampleBatch): Outputs {
    return readOutputs(batchOutputs(this.#model(), batch));
  }

  measure(batch: ExampleBatch): Measured {
    const model = this.#model();
    const outputs = batchOutputs(model, batch);
    const sums = readAndDispose(outputSums(model, outputs, batch));
    return { sums: sumsFromVector(this.task.sums, sums), outputs: readOutputs(outputs) };
  }

  dispose(): void {
    this.#store.dispose();
  }

  #model(): Model {
    const { task, model: config } = this.#options;
    return { task, config, layout: this.layout, weights: this.#store.weights };
  }

  /** One virtual rank: its micro-batches, added in order. */
  #rankGradient(model: Model, request: GradientRequest, rank: RankExamples): Tensor1D {
    const { step, lossScales } = request;
    const { virtualRank } = rank;
    return sumInOrder(
      rank.microBatches.map((examples, microBatch) => () => {
        const pass = { seed: this.#options.seed, step, virtualRank, microBatch };
        return batchGradient(model, examples, lossScales, hostDropoutMasks(pass));
      }),
      addAndDispose,
    );
  }
}

function readOutputs(outputs: Readonly<Record<string, Tensor2D>>): Outputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [name, readAndDispose(output)]),
  );
}

/** A node of the tree as it travels in bf16; the step sums stay as they are. */
function roundNode(sum: Tensor1D, numParameters: number): Tensor1D {
  const values = readAndDispose(sum);
  return tensor1d(values.map((value, i) => (i < numParameters ? roundToBf16(value) : value)));
}

function addAndDispose(left: Tensor1D, right: Tensor1D): Tensor1D {
  const total = add<Tensor1D>(left, right);
  dispose([left, right]);
  return total;
}
