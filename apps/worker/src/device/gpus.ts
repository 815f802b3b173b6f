import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BerthError } from '@berth/contracts';

const run = promisify(execFile);

/** How nvidia-smi ends where the driver works and has no device. */
const noDevice = 6;

/** A GPU as the driver lists it. */
export interface Gpu {
  readonly index: string;
  readonly uuid: string;
  readonly name: string;
}

/**
 * The GPUs this process may use; none where there is no driver.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when there is one that does not answer
 */
export async function listGpus(env: NodeJS.ProcessEnv): Promise<readonly Gpu[]> {
  const query = ['--query-gpu=index,uuid,name', '--format=csv,noheader'];
  try {
    const { stdout } = await run('nvidia-smi', query, { timeout: 20_000 });
    return visibleGpus(stdout, env['CUDA_VISIBLE_DEVICES']);
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown };
    if (code === 'ENOENT' || code === noDevice) return [];
    throw new BerthError(
      'RUNTIME_UNAVAILABLE',
      `The GPU driver does not answer (${(cause as Error).message.trim()}); see that nvidia-smi works, or set BERTH_DEVICE=cpu`,
      { cause },
    );
  }
}

/**
 * @param listing - lines `index, uuid, name`
 * @param visible - as in CUDA_VISIBLE_DEVICES: indexes or UUIDs; all when undefined
 */
export function visibleGpus(listing: string, visible: string | undefined): readonly Gpu[] {
  const gpus = listing
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .flatMap(([index = '', uuid = '', name = '']) => (uuid === '' ? [] : [{ index, uuid, name }]));
  if (visible === undefined) return gpus;
  const wanted = visible.split(',').map((entry) => entry.trim());
  return wanted.flatMap((entry) => {
    const gpu = gpus.find(({ index, uuid }) => index === entry || uuid === entry);
    return gpu === undefined ? [] : [gpu];
  });
}
