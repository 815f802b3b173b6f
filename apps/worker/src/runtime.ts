import { Worker } from 'node:worker_threads';
import {
  numStepSums,
  type AlignedBlock,
  type ApplyResult,
  type HeldGradient,
  type Numerics,
  type ParameterSpec,
  type StepSums,
  type TrainingState,
} from '@berth/contracts';
import { tensorFlowEnvironment } from '@berth/graph';
import type { EngineSpec } from './create-engine.ts';
import { numParameters, type EnginePort } from '@berth/training';
import type { RuntimeThreadData } from './runtime-thread.ts';
import { ThreadCaller } from './thread-rpc.ts';

/** The thread that owns TensorFlow, seen from the main thread, which so stays free for sockets and heartbeats. */
export interface Runtime {
  readonly numerics: Numerics;
  openEngine(spec: EngineSpec): Promise<EnginePort>;
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
  const gradients = new GradientBuffers(numParameters(layout) + numStepSums);
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
    readState: () => caller.call<TrainingState>('readState', []),
    async computeGradients(request) {
      const target = gradients.next(request.step, request.block);
      await caller.call<void>('computeGradients', [request, target]);
      return target;
    },
    applyGradients: (reduced) => caller.call<ApplyResult>('applyGradients', [reduced]),
    evaluate: (batch) => caller.call<StepSums>('evaluate', [batch]),
  };
}

/**
 * Vectors that both threads see, one for each block of a step: a gradient crosses threads without a copy, and its pages are
 * touched once. The next step, or the step tried again, writes to the same ones.
 */
class GradientBuffers {
  readonly #length: number;
  readonly #vectors: Float32Array[] = [];
  #last = { step: -1, start: -1, index: -1 };

  constructor(length: number) {
    this.#length = length;
  }

  next(step: number, { start }: AlignedBlock): Float32Array {
    // A step's blocks are asked for in order.
    const goesOn = step === this.#last.step && start > this.#last.start;
    const index = goesOn ? this.#last.index + 1 : 0;
    this.#last = { step, start, index };
    const numBytes = this.#length * Float32Array.BYTES_PER_ELEMENT;
    return (this.#vectors[index] ??= new Float32Array(new SharedArrayBuffer(numBytes)));
  }
}
