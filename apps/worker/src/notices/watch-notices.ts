import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, type Environment, type Logger } from '@berth/contracts';
import type { Stopping } from '@berth/observability';
import { findCloud, type CloudOptions } from './find-cloud.ts';

/** Before the machine is gone: for what is done last, and for a clock that is not the cloud's. */
const marginMs = 5_000;
const leastMs = 3_000;
const againMs = 10_000;

/**
 * Has a notice that this machine, or its place in a batch system, is about to be taken away drain the worker.
 * Resolves when nobody watches any more: after a notice, once it is told to leave, or where nobody gives notices.
 */
export async function watchNotices(
  options: CloudOptions & { readonly env: Environment; readonly logger: Logger },
  stopping: Pick<Stopping, 'signal' | 'stop'>,
): Promise<void> {
  const { env, logger } = options;
  if (options.notices === 'none') return;
  const jobId = env['SLURM_JOB_ID'];
  // `--signal=USR1@60`; TERM is every supervisor's.
  if (jobId !== undefined)
    process.once('SIGUSR1', () => stopping.stop(`a signal of Slurm to job ${jobId}`));
  const cloud = await findCloud(options);
  if (cloud === undefined) return;
  logger.info('Listens for notices of the cloud', { cloud: cloud.name });
  for (let isKnown = false; !stopping.signal.aborted;) {
    try {
      const { reason, withinMs } = await cloud.watch(stopping.signal);
      logger.warn(`Notice: ${reason}`, { withinMs });
      if (withinMs === undefined) stopping.stop(reason);
      else stopping.stop(reason, Math.max(leastMs, withinMs - marginMs));
      return;
    } catch (error) {
      if (stopping.signal.aborted) return;
      // Once in a row: it may be so for days.
      if (!isKnown) logger.warn('No notices of the cloud', { error: errorToWire(error) });
      isKnown = true;
      await sleep(againMs, undefined, { signal: stopping.signal, ref: false }).catch(
        () => undefined,
      );
    }
  }
}
