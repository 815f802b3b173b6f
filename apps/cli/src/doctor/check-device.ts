import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ProbeReport } from '@berth/worker/probe';
import { fail, ok, warn, type Finding } from './finding.ts';

const run = promisify(execFile);
const probeTimeoutMs = 120_000;

/** TensorFlow loads, and the device that a worker here would compute on. */
export async function checkDevice(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Finding[]> {
  const program = fileURLToPath(import.meta.resolve('@berth/worker/probe'));
  let report: ProbeReport;
  try {
    const { stdout } = await run(process.execPath, [program], { env, timeout: probeTimeoutMs });
    report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ProbeReport;
  } catch {
    return [fail('tensorflow', 'the probe of TensorFlow did not answer; run: npm run setup')];
  }
  return [...deviceFindings(report), sumsFinding(report.sums)];
}

/** How workers here sum gradients. */
export function sumsFinding({ kernels, unshared }: ProbeReport['sums']): Finding {
  return unshared === undefined
    ? ok('sums', `${kernels} kernels; workers of this machine read each other's memory`)
    : warn(
        'sums',
        `${kernels} kernels, and workers of this machine send each other all: ${unshared}`,
      );
}

export function deviceFindings({ gpus, numerics, error }: Omit<ProbeReport, 'sums'>): Finding[] {
  if (numerics === undefined) return [fail('tensorflow', error?.message ?? 'no answer')];
  const { tensorflow, device, kernels, numThreads } = numerics;
  const loaded = ok('tensorflow', `${tensorflow}, ${numThreads} thread(s)`);
  if (error !== undefined) return [loaded, fail('device', error.message)];
  if (device !== 'cpu') return [loaded, ok('device', device)];
  const cpu = `cpu, ${kernels} kernels`;
  if (gpus.length === 0) return [loaded, ok('device', cpu)];
  const unused = `${cpu}, though there is ${gpus.join(', ')}`;
  return [loaded, warn('device', `${unused}; for the CUDA build run: npm run setup -- --gpu`)];
}
