import { isMainThread } from 'node:worker_threads';
import { BerthError, silentLogger, type Logger } from '@berth/contracts';
import { ownIsaLevel, xlaLevel } from './isa-levels.ts';
import { codeFlags, codePlace, isCodeFlags, type CodePlace } from './machine-code/place.ts';

export interface TensorFlowOptions {
  /** Threads inside one operation. Part of the numerics: in a compiled graph another number gives other bits. */
  readonly numThreads: number;
  /** Where to compute: `auto` takes the GPU when there is one, `gpu` fails without one. Default `auto`. */
  readonly device?: 'auto' | 'cpu' | 'gpu';
  /** Told when what XLA compiles cannot be kept, or was damaged. @defaultValue nobody is */
  readonly logger?: Pick<Logger, 'warn'>;
  /**
   * Lets a GPU round the factors of float32 products to TF32 (10 bits of mantissa), for measurements. It holds for the whole process,
   * and `kernels` tells of it. Default false.
   */
  readonly tf32?: boolean;
}

/** Each changes the bits behind the back of what `numerics` says of a member. */
const foreignVariables = ['XLA_FLAGS', 'TF_XLA_FLAGS', 'DNNL_MAX_CPU_ISA'];

/**
 * The environment variables TensorFlow must find when it starts. It reads the process's real environment, which a worker
 * thread cannot change: whoever starts such a thread does `Object.assign(process.env, tensorFlowEnvironment(options))` first.
 * XLA is kept to oneDNN's instruction set level, so that a limit of the one is one of both.
 * @throws BerthError `CONFIG_INVALID` when the environment holds a variable that would change the bits
 */
export function tensorFlowEnvironment(options: TensorFlowOptions): Record<string, string> {
  const level = xlaLevel(ownIsaLevel());
  const place = placeOfCode(options);
  const pinned = {
    ...(level === undefined ? {} : { XLA_FLAGS: `--xla_cpu_max_isa=${level}` }),
    TF_XLA_FLAGS: place === undefined ? '' : codeFlags(place),
  };
  refuseForeign(pinned);
  return {
    ...pinned,
    TF_NUM_INTRAOP_THREADS: String(options.numThreads),
    TF_NUM_INTEROP_THREADS: '1',
    TF_DETERMINISTIC_OPS: '1',
    TF_ENABLE_ONEDNN_OPTS: '1',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // TensorFlow asks for TF32 wherever a GPU has it; with 0, NVIDIA's libraries never use it.
    NVIDIA_TF32_OVERRIDE: options.tf32 === true ? '1' : '0',
    // XLA calls every entry of its cache an error: machine code names preferences of the compiler that no processor has.
    TF_CPP_MIN_LOG_LEVEL: process.env['TF_CPP_MIN_LOG_LEVEL'] ?? (place === undefined ? '2' : '3'),
    ...(options.device === 'cpu' ? { CUDA_VISIBLE_DEVICES: '-1' } : {}),
  };
}

/** Where this process keeps the machine code that XLA makes; undefined where it keeps none, as for a GPU. */
export function placeOfCode({
  numThreads,
  device,
  logger = silentLogger,
}: TensorFlowOptions): CodePlace | undefined {
  return device === 'gpu' ? undefined : codePlace(numThreads, logger);
}

/** @param pinned - what such variables may hold: a child or a second start finds what was set before */
function refuseForeign(pinned: Readonly<Record<string, string>>): void {
  for (const name of foreignVariables) {
    const value = process.env[name] ?? '';
    const isOurs = value === pinned[name] || (name === 'TF_XLA_FLAGS' && isCodeFlags(value));
    if (value !== '' && !isOurs)
      throw new BerthError(
        'CONFIG_INVALID',
        `${name} is "${value}", which changes the bits of a run; berth sets what TensorFlow needs itself: unset ${name} ` +
          '(to lower the instruction set, set ONEDNN_MAX_CPU_ISA, which limits XLA too)',
        { details: { variable: name, value } },
      );
  }
}

/**
 * Puts the environment in place, or in a worker thread checks that it is.
 * @throws BerthError `RUNTIME_UNAVAILABLE` in a worker thread whose process was not prepared, `CONFIG_INVALID` when the
 * environment holds a variable that would change the bits
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
