import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, type MemberInfo } from '@berth/contracts';
import { buildInfo } from '@berth/observability';
import { checkRedis, connectRedis, createMembers, createRuns } from '@berth/queue';
import { drainedExitCode } from './exit-code.ts';
import { findWork, nothing } from './find-work.ts';
import { Troubles } from './session/troubles.ts';
import { takeJobs } from './take-jobs.ts';
import { createAliveFile } from './telemetry/alive-file.ts';
import { Heartbeat } from './telemetry/heartbeat.ts';
import { startDataThread } from './threads/data.ts';
import type { WorkerOptions } from './worker.ts';

const pollMs = 500;

/** Of a process that computes no step. */
const noNumerics: MemberInfo['numerics'] = {
  tensorflow: 'none',
  device: 'none',
  kernels: 'none',
  numThreads: 1,
};

/**
 * The life of a worker that makes data and never trains: no TensorFlow, no sockets to others. It beats and does the jobs of the queue
 * until the signal, or until the run that it is there for is over.
 * @returns the exit code of its process
 */
export async function runDataWorker(options: WorkerOptions, signal: AbortSignal): Promise<number> {
  const { memberId, services, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  await checkRedis(services.redisUrl);
  const data = await startDataThread(options, logger);
  const members = createMembers(connection);
  const runs = createRuns(connection);
  const about = {
    memberId,
    role: 'data' as const,
    version: buildInfo().version,
    host: hostname(),
    port: 0,
    pid: process.pid,
    hostname: hostname(),
    startedAtMs: Date.now(),
    numerics: noNumerics,
  };
  const markAlive = createAliveFile(options.aliveFile);
  const heartbeat = new Heartbeat(({ state, runId, step, complaint, rankMs, troubles }, isNews) =>
    members
      .heartbeat(
        {
          ...about,
          state,
          runId,
          step,
          complaint,
          rankMs,
          ...(troubles && { troubles }),
          residentBytes: process.memoryUsage.rss(),
        },
        { isNews },
      )
      .then(() => markAlive())
      .catch((error: unknown) => logger.debug('No heartbeat', { error: errorToWire(error) })),
  );
  const troubles = new Troubles(heartbeat.status);
  const jobs = await takeJobs({ connection, services, memberId, data, troubles, logger });
  options.onReady();
  logger.info('The worker is ready to make data', { pid: process.pid });

  const untilOver = async (): Promise<number> => {
    while (!signal.aborted) {
      const { exitCode } = await findWork(runs, options.run).catch(() => nothing);
      if (exitCode !== undefined) return exitCode;
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
    return drainedExitCode;
  };
  const exitCode = await Promise.race([untilOver(), data.death]);

  heartbeat.tell({ state: 'draining' });
  await jobs.close();
  await heartbeat.stop();
  await members.leave(memberId).catch(() => undefined);
  await data.close();
  connection.close();
  return exitCode;
}
