import { BerthError, errorToWire } from '@berth/contracts';
import type { Tensor } from '@tensorflow/tfjs-core';
import { startTensorFlow } from '../tensorflow.ts';
import type { FunctionFactory, TraceJob, TraceOutcome } from './compile-module.ts';
import { storeFunction } from './stored-function.ts';
import { traceFunction } from './trace.ts';

/** Traces a module's function and keeps it in the cache. */
async function traceModule(job: TraceJob): Promise<void> {
  const factory = await importFactory(job);
  // A graph is the same for all devices, and the GPU's memory is the caller's.
  const tensorFlow = startTensorFlow({ numThreads: job.numThreads, device: 'cpu' });
  const { fn, example } = await factory(tensorFlow, job.settings);
  storeFunction(job.cacheFolder, job.key, traceFunction(tensorFlow, fn, example));
}

async function importFactory({
  module,
  name,
}: TraceJob): Promise<FunctionFactory<readonly Tensor[], unknown>> {
  const exports = await import(module).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BerthError('INTERNAL', `the module ${module} does not load: ${reason}`, {
      cause: error,
    });
  });
  const factory: unknown = (exports as Record<string, unknown>)[name];
  if (typeof factory === 'function') return factory as FunctionFactory<readonly Tensor[], unknown>;
  throw new BerthError('INTERNAL', `the module ${module} exports no function ${name}`);
}

function end(outcome: TraceOutcome): void {
  process.send?.(outcome, () => process.exit());
}

traceModule(JSON.parse(process.argv[2]!) as TraceJob).then(
  () => end({ ok: true }),
  (error: unknown) => end({ ok: false, error: errorToWire(error) }),
);
