import { parseArgs } from 'node:util';
import { startTensorFlow } from '@berth/graph';
import { commonOptions, countOf, oneOf, text } from '../options.ts';
import { measureCeiling } from './matmul-ceiling.ts';
import { productError } from './product-error.ts';
import { stepPrecisions, type StepPrecision } from './step-setting.ts';

const help = `Usage: npx berth bench products [options]

Multiplies large matrices with TensorFlow: how fast, and how far from the same in double precision. float32 is exact to 1e-6 where
nothing rounds it; TF32, which only GPUs have, is off by about 3e-4, bf16 by 3e-3.

  --precision P   fp32, tf32, bf16 (default fp32)
  --device D      cpu or gpu (default cpu)
  --threads N     TensorFlow's threads (default 2)
  --json          the whole report`;

export interface ProductsReport {
  readonly precision: StepPrecision;
  readonly tensorflow: string;
  readonly device: string;
  readonly kernels: string;
  readonly gflops: number;
  /** Of the norm of the product. */
  readonly relativeError: number;
}

const { values } = parseArgs({
  options: { precision: text('fp32'), device: text('cpu'), threads: text('2'), ...commonOptions },
});
if (values.help) console.log(help);
else {
  const precision = oneOf('precision', values.precision, stepPrecisions);
  const device = oneOf('device', values.device, ['cpu', 'gpu']);
  const tensorFlow = startTensorFlow({
    numThreads: countOf('threads', values.threads),
    device,
    tf32: precision === 'tf32',
  });
  const report: ProductsReport = {
    precision,
    tensorflow: tensorFlow.version,
    device: tensorFlow.device,
    kernels: tensorFlow.kernels,
    gflops: measureCeiling(tensorFlow, { precision, device }),
    relativeError: productError(tensorFlow, precision),
  };
  console.log(
    values.json
      ? JSON.stringify(report)
      : `${report.kernels}, ${precision}: ${report.gflops.toFixed(0)} GFLOP/s, off by ${report.relativeError.toExponential(1)}`,
  );
}
