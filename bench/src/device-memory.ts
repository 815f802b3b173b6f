import { spawnSync } from 'node:child_process';

/**
 * What all programs together use of the GPU that is computed on, as its driver counts: pools of memory that frameworks keep, and
 * CUDA's contexts. Null without a GPU, and where nvidia-smi does not tell.
 */
export function usedDeviceMemoryBytes(device: 'cpu' | 'gpu'): number | null {
  if (device === 'cpu') return null;
  const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',').at(-1) ?? '';
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  const which = visible === '' ? [] : [`--id=${visible}`];
  const { stdout } = spawnSync('nvidia-smi', [...query, ...which], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  const mebibytes = Number((stdout ?? '').trim().split('\n').at(-1) || Number.NaN);
  return Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : null;
}
