import { BerthError, type Logger } from '@berth/contracts';
import { leaseDevice, type RedisConnection } from '@berth/queue';
import { listGpus } from './gpus.ts';

/** `gpu` fails without a GPU of its own, `auto` takes what there is, `cpu` leaves GPUs alone. */
export type DevicePreference = 'auto' | 'cpu' | 'gpu';

/** What a worker may compute on. */
export interface ComputeSettings {
  readonly device: DevicePreference;
  readonly numThreads: number;
}

/** Where this worker computes. */
export interface ChosenDevice {
  readonly kind: DevicePreference;
  /** Never resolves; rejects when the device was given to another. */
  readonly lost: Promise<never>;
  release(): Promise<void>;
}

/** What to say where a GPU is asked for and none is seen. */
export const noGpuMessage =
  'BERTH_DEVICE is gpu, and there is no GPU here (nvidia-smi lists none); install the NVIDIA driver and, for ' +
  'containers, its container toolkit and compose.gpu.yaml, or set BERTH_DEVICE=auto to take the CPU';

/**
 * Chooses the device and leaves it alone to TensorFlow, in CUDA_VISIBLE_DEVICES: it takes the last GPU it sees, so
 * that workers of one machine would share it. Call it before TensorFlow loads.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when a GPU was asked for and none is there or free
 */
export async function chooseDevice(
  preference: DevicePreference,
  options: {
    /** Awaited only where there are GPUs to lease. */
    readonly connection: RedisConnection | Promise<RedisConnection>;
    readonly memberId: string;
    /** The process's own; changed. */
    readonly env: NodeJS.ProcessEnv;
    readonly logger: Logger;
    /** By default longer than the lease of a killed worker lives on. @defaultValue 15_000 */
    readonly waitForGpuMs?: number;
  },
): Promise<ChosenDevice> {
  const { connection, memberId, env, logger, waitForGpuMs = 15_000 } = options;
  const unleased = (kind: DevicePreference): ChosenDevice => ({
    kind,
    lost: new Promise(() => undefined),
    release: async () => undefined,
  });
  if (preference === 'cpu') return unleased('cpu');
  const gpus = await listGpus(env);
  const mustHave = preference === 'gpu';
  if (gpus.length === 0) {
    if (mustHave) throw new BerthError('RUNTIME_UNAVAILABLE', noGpuMessage);
    return unleased('auto');
  }
  const lease = await leaseDevice(await connection, {
    deviceIds: gpus.map(({ uuid }) => uuid),
    holderId: memberId,
    waitMs: mustHave ? waitForGpuMs : 0,
  });
  if (lease === undefined) {
    const what = `All ${gpus.length} GPUs of this machine are leased by other workers`;
    if (mustHave)
      throw new BerthError(
        'RUNTIME_UNAVAILABLE',
        `${what}; start as many workers as GPUs: --scale worker=${gpus.length}`,
      );
    logger.warn(`${what}; sharing the last`);
    return unleased('auto');
  }
  env['CUDA_VISIBLE_DEVICES'] = lease.deviceId;
  const gpu = gpus.find(({ uuid }) => uuid === lease.deviceId);
  logger.info('Leased a GPU', { uuid: lease.deviceId, index: gpu?.index, name: gpu?.name });
  return { kind: 'gpu', lost: lease.lost, release: () => lease.release() };
}
