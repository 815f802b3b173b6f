import { parentPort, workerData } from 'node:worker_threads';
import {
  type ApplyResult,
  type ExampleBatch,
  type GradientRequest,
  type GradientVector,
  type HeldGradient,
  type Measured,
  type Numerics,
  type Outputs,
  type ParameterSpec,
  type ReadyMark,
  type StateVectors,
  type StepSums,
  type TrainingEngine,
  type TrainingState,
  BerthError,
  markReady,
  nothingReady,
} from '@berth/contracts';
import { numericsOf, startTensorFlow } from '@berth/graph';
import { createEngine, type EngineSpec } from './create-engine.ts';
import type { DevicePreference } from '../device/device.ts';
import { flipBitOf } from '../faults/flip-bit.ts';
import { warmUp } from './warm-up.ts';
import { hang } from '../faults/hang.ts';
import { forwardingLogger } from './forwarded-log.ts';
import { moved, serveCalls, type Moved, type ThreadEvent } from './thread-rpc.ts';

/** What the thread is started with. */
export interface RuntimeThreadData {
  readonly numThreads: number;
  readonly device: DevicePreference;
}

/** What is known of an engine once it is warm. */
export interface Opened {
  readonly layout: readonly ParameterSpec[];
  readonly fingerprint: string;
}

const port = parentPort;
if (port === null)
  throw new BerthError('INTERNAL', 'The runtime thread must be started as a thread');
const logger = forwardingLogger((...record) =>
  port.postMessage({ event: 'log', args: record } satisfies ThreadEvent),
);
const tensorFlow = startTensorFlow({ ...(workerData as RuntimeThreadData), logger });
let current: TrainingEngine | undefined;

let hangsNext = false;

function engine(): TrainingEngine {
  if (hangsNext) hang();
  if (current === undefined) throw new BerthError('INTERNAL', 'The runtime thread has no engine');
  return current;
}

serveCalls(port, {
  numerics: (): Numerics => numericsOf(tensorFlow),
  hangNextCall: (): void => void (hangsNext = true),
  flipBit: (place: number): boolean => {
    if (current === undefined) return false;
    const state = current.readState();
    flipBitOf(state, place);
    current.loadState(state);
    return true;
  },
  numTensors: (): number => tensorFlow.numTensors(),
  open: (spec: EngineSpec): Opened => {
    current?.dispose();
    current = createEngine(spec, tensorFlow);
    const fingerprint = warmUp(current, spec);
    return { layout: current.layout, fingerprint };
  },
  enterPhase: (phase: number): void => engine().enterPhase?.(phase),
  initialize: (seed: number): void => engine().initialize(seed),
  loadState: (state: TrainingState): void => engine().loadState(state),
  readState: (into?: StateVectors): TrainingState | Moved<TrainingState> => {
    const state = engine().readState(into);
    if (into !== undefined) return state;
    return moved(state, state.weights, state.firstMoments, state.secondMoments);
  },
  stateDigest: (slice?: number): string => engine().stateDigest(slice),
  holdGradients: (request: GradientRequest): HeldGradient | undefined =>
    engine().holdGradients?.(request),
  applyHeldGradients: (): ApplyResult => engine().applyHeldGradients(),
  computeGradients: (
    request: GradientRequest,
    into?: GradientVector,
    ready?: ReadyMark,
  ): GradientVector => {
    if (ready === undefined) return engine().computeGradients(request, into);
    markReady(ready, nothingReady);
    const gradient = engine().computeGradients(request, into, (first) => markReady(ready, first));
    markReady(ready, 0);
    return gradient;
  },
  takeGradients: (reduced: GradientVector): number => engine().takeGradients(reduced),
  evaluate: (batch: ExampleBatch): StepSums => engine().evaluate(batch),
  predict: (batch: ExampleBatch): Outputs => engine().predict(batch),
  measure: (batch: ExampleBatch): Measured => engine().measure(batch),
});
