import { execFileSync } from 'node:child_process';
import { BerthError } from '@berth/contracts';

/**
 * Model of the GPU that TensorFlow computes on: tfjs-node takes the last one visible.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when the driver's nvidia-smi does not answer
 */
export function gpuName(): string {
  const query = ['--query-gpu=name', '--format=csv,noheader'];
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const last = visible?.split(',').at(-1);
  const args = last === undefined || last === '' ? query : [...query, `--id=${last}`];
  try {
    const output = execFileSync('nvidia-smi', args, { encoding: 'utf8', timeout: 10_000 });
    return output.trim().split('\n').at(-1) ?? '';
  } catch (error) {
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      'nvidia-smi does not name the GPU in use; install the NVIDIA driver utilities',
      { cause: error },
    );
  }
}
