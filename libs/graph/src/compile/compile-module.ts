import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BerthError, errorFromWire, type WireError } from '@berth/contracts';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import type { CompiledFunction } from './compiled-function.ts';
import { defaultGraphFolder } from './graph-cache.ts';
import type { GraphSessionOptions } from './graph-session.ts';
import { moduleKey } from './module-key.ts';
import { openFunction } from './stored-function.ts';
import type { TensorFunction } from './trace.ts';

/** What a module exports to be compiled: makes a function and inputs like those to come. */
export type FunctionFactory<Inputs extends readonly Tensor[], Settings> = (
  tensorFlow: TensorFlow,
  settings: Settings,
) => FunctionAndExample<Inputs> | Promise<FunctionAndExample<Inputs>>;

export interface FunctionAndExample<Inputs extends readonly Tensor[]> {
  readonly fn: TensorFunction<Inputs>;
  readonly example: Inputs;
}

export interface ModuleOptions<Settings> extends GraphSessionOptions {
  /** Plain data for the factory; part of the cache's key. */
  readonly settings?: Settings;
  /** Whatever else the function follows from, such as the version of a package that the module imports. Default: nothing. */
  readonly version?: string;
  /** Longest wait for the child process. Default: ten minutes. */
  readonly timeoutMs?: number;
}

/** What the child process is told. */
export interface TraceJob {
  readonly module: string;
  readonly name: string;
  readonly settings: unknown;
  readonly cacheFolder: string;
  readonly key: string;
  readonly numThreads: number;
}

/** What it answers. */
export type TraceOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: WireError };

const defaultTimeoutMs = 600_000;

/**
 * Compiles a function that a module makes, without running it here: a child process imports the module, traces the function
 * and keeps graph and variables in the cache. While the module, the files it imports by relative paths, the settings, the
 * version and TensorFlow stay the same, later calls take them from there and start no process.
 *
 * @param name - of the module's export, a `FunctionFactory`
 * @throws BerthError the child's own, such as one that names the operation that cannot be compiled; `WORKER_TIMEOUT` or
 *   `WORKER_LOST` when the child takes too long or dies
 */
export async function compileModule<Inputs extends readonly Tensor[], Settings = unknown>(
  tensorFlow: TensorFlow,
  module: URL,
  name: string,
  options: ModuleOptions<Settings> = {},
): Promise<CompiledFunction<Inputs>> {
  const { settings, version = '', cacheFolder = defaultGraphFolder() } = options;
  const key = moduleKey({ module, name, settings, version, tensorFlow: tensorFlow.version });
  const folder = join(cacheFolder, key);
  if (!existsSync(folder)) {
    const { numThreads } = tensorFlow;
    const job = { module: module.href, name, settings, cacheFolder, key, numThreads };
    await traceInChild(job, options.timeoutMs ?? defaultTimeoutMs);
  }
  return openFunction(tensorFlow, folder);
}

async function traceInChild(job: TraceJob, timeoutMs: number): Promise<void> {
  // TypeScript when this file is run as such, which takes the loader that this process was started with.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./trace-process.${extension}`, import.meta.url));
  const child = fork(entry, [JSON.stringify(job)], {
    execArgv: process.execArgv,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk.toString()}`.slice(-2_000);
  });
  const what = `tracing ${job.name} of ${job.module}`;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new BerthError('WORKER_TIMEOUT', `${what} took longer than ${timeoutMs} ms`)),
        timeoutMs,
      );
      child.once('error', (error) =>
        reject(new BerthError('WORKER_LOST', `${what} cannot start: ${error.message}`)),
      );
      child.once('message', (message) => {
        const outcome = message as TraceOutcome;
        if (outcome.ok) resolve();
        else reject(errorFromWire(outcome.error));
      });
      child.once('close', (code, signal) =>
        reject(
          new BerthError(
            'WORKER_LOST',
            `${what} ended with ${signal ?? `code ${code}`}: ${lastWords}`,
          ),
        ),
      );
    });
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
