import type { ExampleBatch } from './example-batch.ts';
import type { GradientVector } from './gradient-vector.ts';
import type { StepSums } from './step-sums.ts';
import type { Task } from './tasks/task.ts';
import type { AlignedBlock } from './view.ts';

/** One tensor inside the flat parameter vector. Names are Google's (docs/bert.md#parameters). */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat vector. */
  readonly offset: number;
  readonly size: number;
  readonly decayed: boolean;
}

/** Everything the optimizer step changes, flat, in layout order. */
export interface StateVectors {
  readonly weights: Float32Array;
  readonly firstMoments: Float32Array;
  readonly secondMoments: Float32Array;
}

export interface TrainingState extends StateVectors {
  /** Steps applied. */
  readonly step: number;
}

/** One virtual rank's examples, cut into micro-batches of equal size. */
export interface RankExamples {
  readonly virtualRank: number;
  readonly microBatches: readonly ExampleBatch[];
}

/** Work for an aligned block of virtual ranks. */
export interface GradientRequest {
  readonly step: number;
  readonly block: AlignedBlock;
  /** In virtual rank order, one per rank of the block. */
  readonly ranks: readonly RankExamples[];
  /** What each term of the loss is multiplied by, by name: `lossScalesOf` the whole step. */
  readonly lossScales: Readonly<Record<string, number>>;
}

export interface ApplyResult {
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** Outputs of a task's head by name, such as logits: row-major, one example's after the other's. */
export type Outputs = Readonly<Record<string, Float32Array>>;

/** What one forward pass comes to, nothing dropped. */
export interface Measured {
  readonly sums: StepSums;
  readonly outputs: Outputs;
}

/** What is known of a gradient that stays on the device. */
export interface HeldGradient {
  readonly sums: StepSums;
  /** Of the flat gradient with its step sums: the ledger's `gradientDigest`. */
  readonly digest: string;
  /** As `takeGradients` gives it. */
  readonly gradientNorm: number;
}

/** Told that all elements of a flat gradient from one on are where they belong: lower ones from time to time, 0 in the end. */
export type OnReady = (firstElement: number) => void;

/**
 * Forward, backward and update on one device. Calls block the thread, so an engine lives in a thread of its own.
 * Flat gradients have as many elements as there are parameters and sums of the task: the scaled gradient, then the step
 * sums, in the run's all-reduce dtype.
 */
export interface TrainingEngine {
  readonly task: Task;
  readonly layout: readonly ParameterSpec[];
  readonly numParameters: number;
  /** Truncated normal weights from the seed, zero moments, step 0. */
  initialize(seed: number): void;
  loadState(state: TrainingState): void;
  /**
   * Copies; the caller owns the arrays.
   * @param into - where to put the copy, shared memory perhaps; new vectors when left out
   */
  readState(into?: StateVectors): TrainingState;
  /** As `stateDigest` of the state, without a copy of it: of one of `numStateSlices` slices, or of all. */
  stateDigest(slice?: number): string;
  /**
   * The block's gradient, summed over its ranks in canonical tree order, and over micro-batches in order.
   * @param into - where to put it, shared memory perhaps; a new vector when left out
   * @param onReady - for whoever uses a part of it before all is there; an engine may have nothing to tell
   */
  computeGradients(
    request: GradientRequest,
    into?: GradientVector,
    onReady?: OnReady,
  ): GradientVector;
  /**
   * Takes in the sum over all virtual ranks, which must not change before the update by it.
   * @returns its global norm; NaN or infinite if an element is, or if it is too long for a norm
   */
  takeGradients(reduced: GradientVector): number;
  /**
   * Clip by global norm, then one optimizer update, by the gradient that was taken in, or held, last.
   * @throws BerthError `NUMERICS_NOT_FINITE` if its norm is not finite; nothing has changed then
   */
  applyHeldGradients(): ApplyResult;
  /** Both at once. */
  applyGradients(reduced: GradientVector): ApplyResult;
  /** As `computeGradients`, but the gradient stays on the device: for a lone member, who has nobody to share it with. */
  readonly holdGradients?: (request: GradientRequest) => HeldGradient;
  /** The gradient that was computed or held last, as `computeGradients` gives it; where there is `holdGradients`. */
  readonly readHeldGradients?: (into?: GradientVector) => GradientVector;
  /** Where batches have another shape in each phase of a run: makes ready for those of one. */
  readonly enterPhase?: (phase: number) => void;
  /** Sums over one batch, dropout off. */
  evaluate(batch: ExampleBatch): StepSums;
  /** What the task's head gives for a batch, dropout off. */
  predict(batch: ExampleBatch): Outputs;
  /** What `evaluate` and `predict` give, in one forward pass where the task is measured by its predictions. */
  measure(batch: ExampleBatch): Measured;
  dispose(): void;
}
