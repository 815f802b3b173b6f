import { errorToWire, type Numerics, type WireError } from '@berth/contracts';
import { localSums, type LocalSums } from '@berth/collectives';
import { numericsOf, startTensorFlow } from '@berth/graph';
import { computeSettings } from '../environment.ts';
import { noGpuMessage } from './device.ts';
import { listGpus } from './gpus.ts';

/** What this program prints, as JSON: what a worker started here with this environment would compute on. */
export interface ProbeReport {
  readonly gpus: readonly string[];
  readonly sums: LocalSums;
  readonly numerics?: Numerics;
  readonly error?: WireError;
}

const sums = localSums();
let gpus: string[] = [];
let report: ProbeReport;
try {
  const { device, numThreads } = computeSettings(process.env);
  if (device !== 'cpu') gpus = (await listGpus(process.env)).map(({ name }) => name);
  const tensorFlow = startTensorFlow({
    numThreads,
    device: gpus.length === 0 && device === 'gpu' ? 'auto' : device,
  });
  report = { gpus, sums, numerics: numericsOf(tensorFlow) };
  if (device === 'gpu' && tensorFlow.device === 'cpu')
    report = {
      ...report,
      error: { code: 'RUNTIME_UNAVAILABLE', message: noGpuMessage, details: {} },
    };
} catch (error) {
  report = { gpus, sums, error: errorToWire(error) };
}
process.stdout.write(`${JSON.stringify(report)}\n`);
