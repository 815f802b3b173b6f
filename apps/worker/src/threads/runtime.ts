import { Worker } from 'node:worker_threads';
import {
  taskOf,
  type ApplyResult,
  type GradientVector,
  type HeldGradient,
  type Logger,
  type Measured,
  type Numerics,
  type Outputs,
  type ParameterSpec,
  type StepSums,
  type TrainingState,
} from '@berth/contracts';
import { tensorFlowEnvironment } from '@berth/graph';
import type { EngineSpec } from './create-engine.ts';
import type { EnginePort } from '@berth/training';
import type { Opened, RuntimeThreadData } from './runtime-thread.ts';
import { writeForwarded, type ForwardedRecord } from './forwarded-log.ts';
import { engineLimitMs, numRanks } from './engine-limits.ts';
import { ThreadCaller } from './thread-rpc.ts';
import { keepWatch, Watchdog } from './watchdog.ts';

/** The thread that owns TensorFlow, seen from the main thread, which so stays free for sockets and heartbeats. */
export interface Runtime {
  readonly numerics: Numerics;
  /** Opens an engine that will probably be asked for. What goes wrong, whoever asks for it will hear. */
  foresee(spec: EngineSpec): void;
  /**
   * @param stepTimeoutMs - how long the others wait for a step, and so the longest that a call of one may take
   * @returns the engine, and the fingerprint of its arithmetic
   */
  openEngine(
    spec: EngineSpec,
    stepTimeoutMs: number,
  ): Promise<{ readonly engine: EnginePort; readonly fingerprint: string }>;
  /** How long TensorFlow has been at the call under way; undefined between two. */
  callMs(): number | undefined;
  /** True once a call has taken too long to be answered ever. */
  hangs(): boolean;
  /** For tests of the whole: the next call of the engine is never answered, and its thread cannot be ended. */
  hangNextCall(): Promise<void>;
  /** For tests of the whole: flips one bit of the weights or moments. @returns whether there are any */
  flipBit(place: number): Promise<boolean>;
  /** Tensors that TensorFlow holds; answered between two steps. */
  numTensors(): Promise<number>;
  /** Never resolves; rejects with `WORKER_LOST` when the thread ends, or does not answer a call in time. */
  readonly death: Promise<never>;
  /** The process is about to end, and waits for no call any more: one under way ends it as SIGTERM does. */
  hurry(): void;
  close(): Promise<void>;
}

/** Whoever ends the process waits no longer than this for the call under way. */
const stuckMs = 10_000;

/** @throws BerthError `RUNTIME_UNAVAILABLE` when TensorFlow cannot be loaded */
export async function startRuntime(data: RuntimeThreadData, logger: Logger): Promise<Runtime> {
  // TensorFlow reads the process environment, which a thread can no longer change.
  Object.assign(process.env, tensorFlowEnvironment({ ...data, logger }));
  const thread = new Worker(new URL('./runtime-thread.js', import.meta.url), { workerData: data });
  const name = 'The runtime thread';
  const caller = new ThreadCaller(thread, name, ({ args }) =>
    writeForwarded(logger, args as unknown as ForwardedRecord),
  );
  let stepLimitMs = Infinity;
  const watchdog = new Watchdog({
    name,
    underWay: () => caller.underWay,
    limitMs: (call, measuredMs) => engineLimitMs(call, measuredMs, stepLimitMs),
    sizeOf: numRanks,
  });
  let hangs = false;
  keepWatch(watchdog, (error) => {
    hangs = true;
    caller.giveUp(error);
  });
  const callMs = (): number | undefined =>
    caller.underWay && performance.now() - caller.underWay.sinceMs;
  // process.exit() waits for its threads, for ever if one is stuck in a driver.
  let isHurried = false;
  process.once('exit', () => {
    if (isHurried && callMs() !== undefined) {
      process.removeAllListeners('SIGTERM');
      process.kill(process.pid, 'SIGTERM');
    }
    if (hangs || (callMs() ?? 0) > stuckMs) process.kill(process.pid, 'SIGKILL');
  });
  const numerics = await caller.call<Numerics>('numerics', []);
  const open = (spec: EngineSpec): Promise<Opened> => caller.call<Opened>('open', [spec]);
  let foreseen: { readonly key: string; readonly opened: Promise<Opened | undefined> } | undefined;
  return {
    numerics,
    foresee(spec) {
      const key = JSON.stringify(spec);
      if (foreseen?.key === key) return;
      foreseen = { key, opened: open(spec).catch(() => undefined) };
    },
    numTensors: () => caller.call<number>('numTensors', []),
    death: caller.death,
    hangNextCall: () => caller.call<void>('hangNextCall', []),
    flipBit: (place) => caller.call<boolean>('flipBit', [place]),
    callMs,
    hangs: () => hangs,
    hurry: () => void (isHurried = true),
    async openEngine(spec, stepTimeoutMs) {
      stepLimitMs = stepTimeoutMs;
      // An engine has one user: what it holds then is worth nothing to the next.
      const before = foreseen?.key === JSON.stringify(spec) ? foreseen.opened : undefined;
      foreseen = undefined;
      const { layout, fingerprint } = (await before) ?? (await open(spec));
      return { engine: enginePort(caller, spec, layout), fingerprint };
    },
    async close() {
      await thread.terminate();
    },
  };
}

function enginePort(
  caller: ThreadCaller,
  { task, train, shapes }: EngineSpec,
  layout: readonly ParameterSpec[],
): EnginePort {
  return {
    task: taskOf(task),
    layout,
    ...(train.engine === 'graph' && {
      holdGradients: (request) => caller.call<HeldGradient>('holdGradients', [request]),
    }),
    ...(train.engine === 'graph' &&
      shapes.length > 1 && {
        enterPhase: (phase) => caller.call<void>('enterPhase', [phase]),
      }),
    initialize: (seed) => caller.call<void>('initialize', [seed]),
    loadState: (state) => caller.call<void>('loadState', [state]),
    readState: (into) => caller.call<TrainingState>('readState', [into]),
    stateDigest: (slice) => caller.call<string>('stateDigest', [slice]),
    computeGradients: (request, into, ready) =>
      caller.call<GradientVector>('computeGradients', [request, into, ready]),
    takeGradients: (reduced) => caller.call<number>('takeGradients', [reduced]),
    applyHeldGradients: () => caller.call<ApplyResult>('applyHeldGradients', []),
    evaluate: (batch) => caller.call<StepSums>('evaluate', [batch]),
    predict: (batch) => caller.call<Outputs>('predict', [batch]),
    measure: (batch) => caller.call<Measured>('measure', [batch]),
  };
}
