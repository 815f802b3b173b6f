import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, plainEngine, type MemberInfo, type WorkerEnd } from '@berth/contracts';
import { buildInfo, type Stopping } from '@berth/observability';
import { checkRedis, connectRedis, createMembers, createRuns } from '@berth/queue';
import { drained, endNow, obey, tellOfDrain } from './ending/leave.ts';
import { OwnRun } from './ending/own-run.ts';
import { findWork, nothing } from './find-work.ts';
import { Troubles } from './session/troubles.ts';
import { takeJobs } from './take-jobs.ts';
import { createAliveFile } from './telemetry/alive-file.ts';
import { clockOf } from './telemetry/clock-of.ts';
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
 * until it is told to leave, or until the run that it is there for is over.
 * @returns how it ended
 */
export async function runDataWorker(
  options: WorkerOptions,
  stopping: Stopping,
): Promise<WorkerEnd> {
  const { memberId, engine, services, logger } = options;
  const { signal } = stopping;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  const redis = await checkRedis(services.redisUrl);
  const data = await startDataThread(options, logger);
  const members = createMembers(connection);
  const runs = createRuns(connection);
  const about = {
    memberId,
    role: 'data' as const,
    ...(engine !== plainEngine && { engine }),
    version: buildInfo().version,
    host: hostname(),
    port: 0,
    pid: process.pid,
    hostname: hostname(),
    startedAtMs: Date.now(),
    ...clockOf(redis, logger),
    numerics: noNumerics,
  };
  const markAlive = createAliveFile(options.aliveFile);
  const heartbeat = new Heartbeat(
    ({ state, drain, runId, step, complaint, rankMs, troubles }, isNews) =>
      members
        .heartbeat(
          {
            ...about,
            state,
            runId,
            step,
            complaint,
            rankMs,
            ...(drain && { drain }),
            ...(troubles && { troubles }),
            residentBytes: process.memoryUsage.rss(),
          },
          { isNews },
        )
        .then((order) => {
          obey(stopping, order);
          return markAlive();
        })
        .catch((error: unknown) => logger.debug('No heartbeat', { error: errorToWire(error) })),
  );
  const troubles = new Troubles(heartbeat.status);
  const jobs = await takeJobs({ connection, services, memberId, data, troubles, logger });
  options.onReady();
  logger.info('The worker is ready to make data', { pid: process.pid });

  const own = options.run === undefined ? undefined : new OwnRun(options.run, options.runWaitMs);
  tellOfDrain(heartbeat, stopping);
  const untilOver = async (): Promise<WorkerEnd> => {
    while (!signal.aborted) {
      const { end } = await findWork(runs, own).catch(() => nothing);
      if (end !== undefined) return end;
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
    return drained(stopping);
  };
  const end = await Promise.race([untilOver(), data.death]);

  heartbeat.tell({ state: 'draining' });
  await endNow(stopping, async () => {
    await jobs.close();
    await heartbeat.stop();
    await members.leave(memberId).catch(() => undefined);
    await data.close();
  });
  connection.close();
  return end;
}
