import { Worker } from 'node:worker_threads';
import type {
  ApplyResult,
  GradientVector,
  HeldGradient,
  Numerics,
  ParameterSpec,
  StepSums,
  TrainingState,
} from '@berth/contracts';
import { tensorFlowEnvironment } from '@berth/graph';
import type { EngineSpec } from './create-engine.ts';
import type { EnginePort } from '@berth/training';
import type { RuntimeThreadData } from './runtime-thread.ts';
import { ThreadCaller } from './thread-rpc.ts';

/** The thread that owns TensorFlow, seen from the main thread, which so stays free for sockets and heartbeats. */
export interface Runtime {
  readonly numerics: Numerics;
  openEngine(spec: EngineSpec): Promise<EnginePort>;
  /** Tensors that TensorFlow holds; answered between two steps. */
  numTensors(): Promise<number>;
  /** Never resolves; rejects when the thread ends. */
  readonly death: Promise<never>;
  close(): Promise<void>;
}

/** @throws BerthError `RUNTIME_UNAVAILABLE` when TensorFlow cannot be loaded */
export async function startRuntime(data: RuntimeThreadData): Promise<Runtime> {
  // TensorFlow reads the process environment, which a thread can no longer change.
  Object.assign(process.env, tensorFlowEnvironment(data));
  const thread = new Worker(new URL('./runtime-thread.js', import.meta.url), { workerData: data });
  const caller = new ThreadCaller(thread, 'The runtime thread');
  const numerics = await caller.call<Numerics>('numerics', []);
  return {
    numerics,
    numTensors: () => caller.call<number>('numTensors', []),
    death: caller.death,
    async openEngine(spec) {
      const layout = await caller.call<readonly ParameterSpec[]>('open', [spec]);
      return enginePort(caller, layout, spec.train.engine === 'graph');
    },
    async close() {
      await thread.terminate();
    },
  };
}

function enginePort(
  caller: ThreadCaller,
  layout: readonly ParameterSpec[],
  canHold: boolean,
): EnginePort {
  return {
    layout,
    ...(canHold && {
      held: {
        compute: (request) => caller.call<HeldGradient>('holdGradients', [request]),
        apply: () => caller.call<ApplyResult>('applyHeldGradients', []),
      },
    }),
    initialize: (seed) => caller.call<void>('initialize', [seed]),
    loadState: (state) => caller.call<void>('loadState', [state]),
    readState: (into) => caller.call<TrainingState>('readState', [into]),
    computeGradients: (request, into) =>
      caller.call<GradientVector>('computeGradients', [request, into]),
    applyGradients: (reduced) => caller.call<ApplyResult>('applyGradients', [reduced]),
    evaluate: (batch) => caller.call<StepSums>('evaluate', [batch]),
  };
}
