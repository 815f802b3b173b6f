import { BerthError, silentLogger, type Numerics } from '@berth/contracts';
import type * as tfjs from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.ts';
import { placeOfCode, prepareEnvironment, type TensorFlowOptions } from './environment.ts';
import { KeptCode } from './machine-code/kept-code.ts';
import { gpuName } from './gpu-name.ts';
import { ownIsaLevel } from './isa-levels.ts';
import { rawOps, type ExecuteOp } from './raw-op.ts';

/** TensorFlow running in this thread, as the backend of tfjs-core. */
export interface TensorFlow {
  /** The one tfjs-core of this thread. What it reads from a tensor is a view of the tensor's memory: copy it to change or transfer it. */
  readonly tf: typeof tfjs;
  /** Of the TensorFlow library, such as `2.21.0`. */
  readonly version: string;
  /** `cpu`, or the GPU's model. */
  readonly device: string;
  /** The kernel family that decides the bits: the instruction set level of oneDNN and XLA, or the GPU's model. */
  readonly kernels: string;
  readonly numThreads: number;
  readonly executeOp: ExecuteOp;
  /** Tensors TensorFlow holds for this thread. */
  readonly numTensors: () => number;
  /** What is kept of the machine code of a graph, which has a name by its content; undefined where nothing is kept. */
  readonly keptCode: (graph: string) => KeptCode | undefined;
}

let running: { options: string; tensorFlow: TensorFlow } | undefined;

/**
 * Starts TensorFlow in this thread, or returns it when it already runs with the same options. Takes about a second.
 * In a worker thread the process's environment must be prepared: see `tensorFlowEnvironment`.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when setup has not run, options changed, or a GPU was asked for and none is there;
 * `CONFIG_INVALID` when the environment holds a variable that would change the bits
 */
export function startTensorFlow(options: TensorFlowOptions): TensorFlow {
  const tf32 = options.tf32 ?? false;
  const wanted = JSON.stringify([options.numThreads, options.device ?? 'auto', tf32]);
  if (running !== undefined) {
    if (running.options === wanted) return running.tensorFlow;
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      `TensorFlow already runs in this thread with ${running.options}, not ${wanted}; use another process`,
    );
  }
  prepareEnvironment(options);
  const { logger = silentLogger } = options;
  const place = placeOfCode(options);
  const { tf, backend } = loadAddon();
  if (options.device === 'gpu' && !backend.isUsingGpuDevice) {
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      'TensorFlow sees no GPU; run: npm run setup -- --gpu, and check nvidia-smi',
    );
  }
  const device = backend.isUsingGpuDevice ? gpuName() : 'cpu';
  if (tf32 && device === 'cpu')
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      'TF32 is a precision of GPUs; processors have none',
    );
  const tensorFlow: TensorFlow = {
    tf,
    version: backend.binding.TF_Version,
    device,
    kernels: device === 'cpu' ? ownIsaLevel() : `${device}${tf32 ? ', TF32' : ''}`,
    numThreads: options.numThreads,
    executeOp: rawOps(backend),
    numTensors: () => backend.getNumOfTFTensors(),
    keptCode: (graph) => place && new KeptCode(place, graph, logger),
  };
  running = { options: wanted, tensorFlow };
  return tensorFlow;
}

/** What members of a run must have in common to get equal bits. */
export function numericsOf(tensorFlow: TensorFlow): Numerics {
  const { version, device, kernels, numThreads } = tensorFlow;
  return { tensorflow: version, device, kernels, numThreads };
}
