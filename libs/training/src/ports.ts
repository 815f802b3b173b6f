import type {
  AlignedBlock,
  ApplyResult,
  Complaint,
  ExampleBatch,
  FineTuningReport,
  GradientRequest,
  GradientVector,
  HeldGradient,
  LedgerEntry,
  Measured,
  MeasuredLine,
  Outputs,
  ParameterSpec,
  ReadyMark,
  StateVectors,
  StepFacts,
  StepSums,
  Task,
  TrainingState,
  View,
  ViewMember,
} from '@berth/contracts';
import type { ExampleRow, ExampleShardReader } from '@berth/data';
import type { Verdict } from '@berth/protocol';
import type { StepPhases } from './step-clock.ts';

/** A TrainingEngine seen from another thread: the same calls, each a promise. */
export interface EnginePort {
  readonly task: Task;
  readonly layout: readonly ParameterSpec[];
  initialize(seed: number): Promise<void>;
  loadState(state: TrainingState): Promise<void>;
  /** @param into - shared memory to put the state in, so that it need not be copied between threads */
  readState(into?: StateVectors): Promise<TrainingState>;
  stateDigest(slice?: number): Promise<string>;
  /**
   * @param into - shared memory to put the gradient in, so that it need not be copied between threads
   * @param ready - told what of it is there before all is, by engines that know
   */
  computeGradients(
    request: GradientRequest,
    into?: GradientVector,
    ready?: ReadyMark,
  ): Promise<GradientVector>;
  takeGradients(reduced: GradientVector): Promise<number>;
  applyHeldGradients(): Promise<ApplyResult>;
  /** Present when the engine can keep a gradient on the device. */
  holdGradients?(request: GradientRequest): Promise<HeldGradient>;
  /** Present when batches have another shape in each phase of the run: makes ready for those of one. */
  enterPhase?(phase: number): Promise<void>;
  evaluate(batch: ExampleBatch): Promise<StepSums>;
  predict(batch: ExampleBatch): Promise<Outputs>;
  measure(batch: ExampleBatch): Promise<Measured>;
}

/** The sum over one aligned block of virtual ranks. */
export interface BlockGradient {
  readonly block: AlignedBlock;
  readonly data: GradientVector;
}

export interface ReduceOptions {
  readonly step: number;
  readonly contributions: readonly BlockGradient[];
  /** What of the last contribution is there; it must be one of `vectors`. Left out when all is. */
  readonly ready?: ReadyMark;
  /** How long the others are waited for once all of ours is there. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** All-reduce among the members of one view. */
export interface ReduceSession {
  /** Memory for the gradient of each of our blocks, in order; none if any memory will do. */
  readonly vectors: readonly GradientVector[];
  /** The total over all virtual ranks in canonical tree order; `reduced` is valid until `vectors` are filled again. */
  allReduce(options: ReduceOptions): Promise<{ reduced: GradientVector; digest: string }>;
  close(): void;
}

/** This process as its peers see it. */
export interface PeerPort {
  joinView(
    view: View,
    options: {
      vectorLength: number;
      timeoutMs: number;
      signal: AbortSignal;
      /** Called when a connection of the view breaks, by a peer that did not leave in order. */
      onPeerLost: (error: Error) => void;
    },
  ): Promise<ReduceSession>;
  /**
   * The memory for states on their way: one of them, shared with other threads. What peers send lands there, and what we give
   * them is copied there first. Resolves once nobody copies what was there before.
   */
  stateVectors(): Promise<StateVectors>;
  /** Lets members of the view copy what `stateVectors` hold, until the next offer or fetch. */
  offerState(view: View, step: number): Promise<void>;
  /** Copies a state into `stateVectors`, from all donors at once. Nothing is written there once the signal has aborted. */
  fetchState(
    donors: readonly ViewMember[],
    options: { view: View; step: number; timeoutMs: number; signal: AbortSignal },
  ): Promise<TrainingState>;
}

/** The only place where a step becomes true. */
export interface LedgerPort {
  vote(
    view: View,
    memberId: string,
    facts: StepFacts,
    sums: StepSums,
    stateDigest: string,
  ): Promise<Verdict>;
  /** Number of committed steps. */
  numCommitted(): Promise<number>;
  entry(step: number): Promise<LedgerEntry | undefined>;
  entries(fromStep: number, toStep: number): Promise<LedgerEntry[]>;
}

/** Where members of a view tell each other something small, once each. */
export interface RendezvousPort {
  /** Writes this member's value; a second value of the same member is ignored. */
  post(key: string, memberId: string, value: string): Promise<void>;
  read(key: string): Promise<ReadonlyMap<string, string>>;
}

/** Shard-level access to examples, wherever they are made and kept. */
export interface ExampleShardsPort {
  /** Examples in a shard of an epoch; waits until the shard exists. */
  count(epoch: number, shard: number): Promise<number>;
  open(epoch: number, shard: number): Promise<ExampleReader>;
}

/** One example shard, open. */
export type ExampleReader = Pick<ExampleShardReader, 'numExamples' | 'countOf' | 'copyInto'>;

/** Held-out examples, of shards that are opened when they are read. */
export interface HeldOutExamples {
  readonly numExamples: number;
  rowOf(example: number): Promise<ExampleRow>;
}

/** Where a member says what it does. */
export interface ReporterPort {
  /** The weights now stand at a step; -1: there are none. */
  step(step: number): void;
  /** What it does, and why it cannot go on with its view, if it cannot. */
  status(state: 'idle' | 'training' | 'draining', complaint: Complaint | null): void;
  /** Resolves once the line is where the run's history is kept, or the run is over. */
  metrics(line: MeasuredLine): Promise<void>;
  /** Resolves once the report of an evaluation after `step` steps is kept, or the run is over. */
  report?(step: number, report: FineTuningReport): Promise<void>;
  /** Where the time of a step went that this member has applied. */
  timed?(phases: StepPhases): void;
}
