import { isMainThread } from 'node:worker_threads';
import { BerthError } from '@berth/contracts';

export interface TensorFlowOptions {
  /** Threads inside one operation. Part of the numerics: in a compiled graph another number gives other bits. */
  readonly numThreads: number;
  /** Where to compute: `auto` takes the GPU when there is one, `gpu` fails without one. Default `auto`. */
  readonly device?: 'auto' | 'cpu' | 'gpu';
}

/**
 * The environment variables TensorFlow must find when it starts. It reads the process's real environment, which a worker
 * thread cannot change: whoever starts such a thread does `Object.assign(process.env, tensorFlowEnvironment(options))` first.
 */
export function tensorFlowEnvironment(options: TensorFlowOptions): Record<string, string> {
  return {
    TF_NUM_INTRAOP_THREADS: String(options.numThreads),
    TF_NUM_INTEROP_THREADS: '1',
    TF_DETERMINISTIC_OPS: '1',
    TF_ENABLE_ONEDNN_OPTS: '1',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // Without this, float32 products on a GPU are rounded to 10 bits of mantissa.
    NVIDIA_TF32_OVERRIDE: '0',
    TF_CPP_MIN_LOG_LEVEL: process.env['TF_CPP_MIN_LOG_LEVEL'] ?? '2',
    ...(options.device === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {}),
  };
}

/**
 * Puts the environment in place, or in a worker thread checks that it is.
 * @throws BerthError `RUNTIME_UNAVAILABLE` in a worker thread whose process was not prepared
 */
export function prepareEnvironment(options: TensorFlowOptions): void {
  const wanted = tensorFlowEnvironment(options);
  if (isMainThread) {
    Object.assign(process.env, wanted);
    return;
  }
  for (const [name, value] of Object.entries(wanted)) {
    const actual = process.env[name];
    if (actual === value) continue;
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      `TensorFlow in a worker thread needs ${name}=${value}, the process has ${actual ?? 'nothing'}; ` +
        'before starting the thread: Object.assign(process.env, tensorFlowEnvironment(options))',
    );
  }
}
