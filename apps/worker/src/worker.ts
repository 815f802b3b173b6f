import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  type LogFields,
  type Logger,
  type MemberInfo,
  type View,
} from '@berth/contracts';
import { createS3ObjectStore } from '@berth/checkpoint';
import { openFaultDoor } from '@berth/faults';
import { buildInfo } from '@berth/observability';
import { createWorkerMetrics, type WorkerMetrics } from '@berth/observability/prometheus';
import { createInferenceProcess } from '@berth/inference/client';
import { answerModelQuestions } from '@berth/queue/jobs';
import { checkRedis, connectRedis, createMembers, createRuns } from '@berth/queue';
import { createAliveFile } from './telemetry/alive-file.ts';
import { startDataThread } from './threads/data.ts';
import { chooseDevice } from './device/device.ts';
import { reachableAt } from './endpoint.ts';
import type { WorkerEnvironment } from './environment.ts';
import { drainedExitCode } from './exit-code.ts';
import { findWork, nothing } from './find-work.ts';
import { answerQuestion } from './answer-question.ts';
import { faultHandlers } from './faults/fault-handlers.ts';
import { Heartbeat, idleStatus, type WorkerStatus } from './telemetry/heartbeat.ts';
import { takeJobs } from './take-jobs.ts';
import { startPeers } from './threads/peers.ts';
import { RunSession } from './session/run-session.ts';
import { LastKnown } from './telemetry/last-known.ts';
import { startMetricsServer, type MetricsPage } from './telemetry/metrics-server.ts';
import { startRuntime, type Runtime } from './threads/runtime.ts';
import { Troubles } from './session/troubles.ts';

export interface WorkerOptions extends WorkerEnvironment {
  readonly memberId: string;
  readonly onReady: () => void;
  /** Given a way to ask for the run, attempt and step under way, for log records. */
  readonly onWork?: (look: () => LogFields) => void;
  readonly logger: Logger;
}

const idlePollMs = 200;
const reopenMs = 1_000;
const tensorsPatienceMs = 300;
const modelsIdleMs = 300_000;

/**
 * A worker's life: beat, do the jobs of the queue, and take part in whichever run is active, until the signal; or in one run
 * only, until that is over. The main thread only talks to Redis and the bucket; TensorFlow, the data plane and job work have
 * threads of their own.
 * @returns the exit code of its process
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<number> {
  const { memberId, services, secret, numThreads, host, port, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  await checkRedis(services.redisUrl);
  const store = createS3ObjectStore(services.s3, logger);
  const device = await chooseDevice(options.device, {
    connection,
    memberId,
    env: process.env,
    logger,
  });
  const [runtime, data, peers] = await Promise.all([
    startRuntime({ numThreads, device: device.kind }),
    startDataThread(options, logger),
    startPeers({ memberId, host, port, secret }, logger),
  ]);
  const members = createMembers(connection);
  const { version } = buildInfo();
  const about = {
    memberId,
    version,
    ...(options.advertise ?? reachableAt(peers.address, networkInterfaces())),
    pid: process.pid,
    hostname: hostname(),
    startedAtMs: Date.now(),
  };
  const markAlive = createAliveFile(options.aliveFile);
  const heartbeat = new Heartbeat(({ fingerprint, opening, pending, saved, ...status }, isNews) =>
    members
      .heartbeat(
        {
          ...about,
          ...status,
          ...vitalSigns(runtime),
          ...openingOf(opening),
          ...savingOf(pending),
          ...(saved && { saved }),
          numerics: { ...runtime.numerics, fingerprint },
        },
        { isNews },
      )
      .then(() => (runtime.hangs() ? undefined : markAlive()))
      .catch((error: unknown) => logger.debug('No heartbeat', { error: errorToWire(error) })),
  );
  const troubles = new Troubles(heartbeat.status);
  const runs = createRuns(connection);
  const jobs = await takeJobs({ connection, services, memberId, data, troubles, logger });
  const models = createInferenceProcess({
    s3: services.s3,
    numThreads: 1,
    idleMs: modelsIdleMs,
  });
  const questions = await answerModelQuestions(services.redisUrl, {
    process: (request, signal) => answerQuestion(models, request, signal),
    logger,
  });
  const metrics = createWorkerMetrics({
    version,
    worker: memberId,
    node: process.versions.node,
  });
  const metricsServer =
    options.metricsPlace &&
    (await startMetricsServer(options.metricsPlace, pageOf(metrics, runtime)));
  const faults =
    options.faultDoor &&
    (await openFaultDoor(options.faultDoor, faultHandlers({ runtime }), (error) =>
      logger.warn('A fault was not done', { error: errorToWire(error) }),
    ));
  let attempt: number | undefined;
  options.onWork?.(() => workOf(heartbeat.status, attempt));
  options.onReady();
  logger.info('The worker is ready', { ...peers.address, ...runtime.numerics, pid: process.pid });

  const lastViews = new Map<string, View>();
  const takePart = async (): Promise<number> => {
    while (!signal.aborted) {
      const { record, exitCode } = await findWork(runs, options.run).catch((error: unknown) => {
        logger.debug('Cannot look for a run', { error: errorToWire(error) });
        return nothing;
      });
      if (exitCode !== undefined) return exitCode;
      if (record === undefined) {
        await sleep(idlePollMs);
        continue;
      }
      attempt = record.attempts.at(-1)?.attempt;
      // The coordinator counts on this member only once it has opened the run.
      heartbeat.tell({ state: 'syncing', runId: record.runId });
      heartbeat.tellOpening('opening the run');
      try {
        const session = await RunSession.open(
          {
            connection,
            store,
            runtime,
            peers,
            logger,
            heartbeat,
            troubles,
            metrics,
            lastViews,
            spoolFolder: options.spoolFolder,
            scratchFolder: options.scratchFolder,
          },
          { memberId, record },
        );
        logger.info('Takes part in the run');
        await session.run(signal);
        logger.info('The run is over for this worker');
        heartbeat.tell(idleStatus);
      } catch (error) {
        const wire = errorToWire(error);
        logger.warn('Cannot take part in the run', { runId: record.runId, error: wire });
        const complaint = { viewVersion: 0, step: 0, suspects: [], error: wire };
        heartbeat.tell({ complaint, opening: undefined });
        await sleep(reopenMs);
      }
    }
    return drainedExitCode;
  };
  // Without its threads a worker is of no use; started anew it is.
  const exitCode = await Promise.race([
    takePart(),
    runtime.death,
    data.death,
    peers.death,
    device.lost,
  ]);

  heartbeat.tell({ state: 'draining' });
  models.close();
  await Promise.all([jobs.close(), questions.close()]);
  await heartbeat.stop();
  await members.leave(memberId).catch(() => undefined);
  await peers.close();
  metricsServer?.close();
  if (faults) faults.close();
  await Promise.all([runtime.close(), data.close()]);
  await device.release().catch(() => undefined);
  connection.close();
  store.close();
  return exitCode;
}

function vitalSigns(runtime: Runtime): Pick<MemberInfo, 'residentBytes' | 'engineCallMs'> {
  const engineCallMs = runtime.callMs();
  const residentBytes = process.memoryUsage.rss();
  return engineCallMs === undefined ? { residentBytes } : { residentBytes, engineCallMs };
}

function openingOf(opening: WorkerStatus['opening']): Pick<MemberInfo, 'opening'> {
  if (opening === undefined) return {};
  const { activity, sinceMs } = opening;
  return { opening: { activity, forMs: performance.now() - sinceMs } };
}

function savingOf(pending: WorkerStatus['pending']): Pick<MemberInfo, 'saving'> {
  if (pending === undefined) return {};
  const { sinceMs, ...state } = pending;
  return { saving: { ...state, forMs: performance.now() - sinceMs } };
}

/** A worker's metrics, with how many tensors there are as far as is known: its thread answers between two steps. */
function pageOf(metrics: WorkerMetrics, runtime: Runtime): MetricsPage {
  const numTensors = new LastKnown(() => runtime.numTensors(), tensorsPatienceMs);
  return {
    isWell: () => !runtime.hangs(),
    contentType: metrics.contentType,
    async text() {
      const count = await numTensors.get();
      if (count !== undefined) metrics.tensors(count);
      return metrics.text();
    },
  };
}

/** What a worker is at, as fields of its log records. */
function workOf({ runId, step }: WorkerStatus, attempt: number | undefined): LogFields {
  return runId === null ? {} : { runId, attempt, step };
}
