import type {
  ApplyResult,
  BatchShape,
  ExampleBatch,
  GradientRequest,
  GradientVector,
  HeldGradient,
  Measured,
  OnReady,
  Outputs,
  StateVectors,
  StepSums,
  TrainingEngine,
  TrainingState,
} from '@berth/contracts';

/** An engine whose batches have another shape in each phase of a run. */
export interface PhasedEngine extends TrainingEngine {
  /**
   * Makes ready for batches of a phase. Where their shape is another one, the state moves to another engine, and a gradient
   * that was taken in is lost.
   */
  enterPhase(phase: number): void;
}

/**
 * Engines that are compiled for one shape, one at a time: the state is in one, and never two of them are in memory.
 * @param shapes - of the phases' micro-batches, in order
 */
export function createPhasedEngine(
  shapes: readonly BatchShape[],
  open: (shape: BatchShape) => TrainingEngine,
): PhasedEngine {
  return new EngineOfPhases(shapes, open);
}

class EngineOfPhases implements PhasedEngine {
  readonly task;
  readonly layout;
  readonly numParameters;
  readonly holdGradients?: (request: GradientRequest) => HeldGradient;
  readonly readHeldGradients?: (into?: GradientVector) => GradientVector;
  readonly #shapes: readonly BatchShape[];
  readonly #open: (shape: BatchShape) => TrainingEngine;
  #shape: BatchShape;
  #engine: TrainingEngine;
  #hasState = false;

  constructor(shapes: readonly BatchShape[], open: (shape: BatchShape) => TrainingEngine) {
    this.#shapes = shapes;
    this.#open = open;
    this.#shape = shapes[0]!;
    this.#engine = open(this.#shape);
    this.task = this.#engine.task;
    this.layout = this.#engine.layout;
    this.numParameters = this.#engine.numParameters;
    if (this.#engine.holdGradients !== undefined)
      this.holdGradients = (request) => this.#engine.holdGradients!(request);
    if (this.#engine.readHeldGradients !== undefined)
      this.readHeldGradients = (into) => this.#engine.readHeldGradients!(into);
  }

  enterPhase(phase: number): void {
    const shape = this.#shapes[phase]!;
    if (isSame(shape, this.#shape)) return;
    const state = this.#hasState ? this.#engine.readState() : undefined;
    this.#engine.dispose();
    this.#engine = this.#open(shape);
    this.#shape = shape;
    if (state !== undefined) this.#engine.loadState(state);
  }

  initialize(seed: number): void {
    this.#engine.initialize(seed);
    this.#hasState = true;
  }

  loadState(state: TrainingState): void {
    this.#engine.loadState(state);
    this.#hasState = true;
  }

  readState(into?: StateVectors): TrainingState {
    return this.#engine.readState(into);
  }

  stateDigest(slice?: number): string {
    return this.#engine.stateDigest(slice);
  }

  computeGradients(
    request: GradientRequest,
    into?: GradientVector,
    onReady?: OnReady,
  ): GradientVector {
    return this.#engine.computeGradients(request, into, onReady);
  }

  takeGradients(reduced: GradientVector): number {
    return this.#engine.takeGradients(reduced);
  }

  applyHeldGradients(): ApplyResult {
    return this.#engine.applyHeldGradients();
  }

  applyGradients(reduced: GradientVector): ApplyResult {
    return this.#engine.applyGradients(reduced);
  }

  evaluate(batch: ExampleBatch): StepSums {
    return this.#engine.evaluate(batch);
  }

  predict(batch: ExampleBatch): Outputs {
    return this.#engine.predict(batch);
  }

  measure(batch: ExampleBatch): Measured {
    return this.#engine.measure(batch);
  }

  dispose(): void {
    this.#engine.dispose();
  }
}

function isSame(one: BatchShape, other: BatchShape): boolean {
  return (
    one.batchSize === other.batchSize &&
    one.maxSeqLength === other.maxSeqLength &&
    one.maxPredictions === other.maxPredictions
  );
}
