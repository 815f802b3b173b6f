import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  plainEngine,
  type LogFields,
  type Logger,
  type MemberInfo,
  type Numerics,
  type RunRecord,
  type View,
  type WorkerEnd,
} from '@berth/contracts';
import { createS3ObjectStore } from '@berth/checkpoint';
import { newestFrameFormat, reachableAt } from '@berth/collectives';
import { openFaultDoor } from '@berth/faults';
import { buildInfo, type Stopping } from '@berth/observability';
import { createWorkerMetrics, type WorkerMetrics } from '@berth/observability/prometheus';
import { createInferenceProcess } from '@berth/inference/client';
import { answerModelQuestions } from '@berth/queue/jobs';
import {
  checkRedis,
  connectRedis,
  createMembers,
  createRuns,
  type RedisConnection,
} from '@berth/queue';
import { createAliveFile } from './telemetry/alive-file.ts';
import { startDataThread } from './threads/data.ts';
import { chooseDevice, type ChosenDevice } from './device/device.ts';
import type { WorkerEnvironment } from './environment.ts';
import { aborted, drained, endNow, obey, tellOfDrain, tellOfUnsaved } from './ending/leave.ts';
import { OwnRun } from './ending/own-run.ts';
import { findWork, nothing } from './find-work.ts';
import { answerQuestion } from './answer-question.ts';
import { faultHandlers } from './faults/fault-handlers.ts';
import { Heartbeat, idleStatus, whyNotReady, type WorkerStatus } from './telemetry/heartbeat.ts';
import { takeJobs } from './take-jobs.ts';
import { startPeers } from './threads/peers.ts';
import { RunSession } from './session/run-session.ts';
import { likelyEngineSpec } from './session/engine-spec.ts';
import { linkSpeed } from './telemetry/link-speed.ts';
import { LastKnown } from './telemetry/last-known.ts';
import { startMetricsServer, type MetricsPage } from './telemetry/metrics-server.ts';
import { startRuntime, type Runtime } from './threads/runtime.ts';
import { clockOf } from './telemetry/clock-of.ts';
import { Troubles } from './session/troubles.ts';
import { TrainerStatusReport } from './telemetry/trainer-status.ts';

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
 * A worker's life: beat, do the jobs of the queue, and take part in whichever run is active, until it is told to leave; or in
 * one run only, until that is over. The main thread only talks to Redis and the bucket; TensorFlow, the data plane and job work have
 * threads of their own.
 * @returns how it ended
 */
export async function runWorker(options: WorkerOptions, stopping: Stopping): Promise<WorkerEnd> {
  const { signal, atOnce } = stopping;
  const { memberId, engine, services, secret, host, port, isReachable, logger } = options;
  const connecting = connectRedis(services.redisUrl, { role: 'producer', logger });
  const computing = startComputing(options, connecting);
  const [connection, { device, runtime }, data, peers, redis] = await Promise.all([
    connecting,
    computing,
    startDataThread(options, logger),
    startPeers({ memberId, host, port, secret }, logger),
    checkRedis(services.redisUrl),
  ]);
  const store = createS3ObjectStore(services.s3, logger);
  const members = createMembers(connection);
  const { version } = buildInfo();
  const interfaces = networkInterfaces();
  const listensAt = reachableAt(peers.address, interfaces);
  const dialledAt = options.advertise ?? listensAt;
  const linkBitsPerSecond =
    options.linkMbitPerS === undefined
      ? linkSpeed([dialledAt.host, listensAt.host], interfaces)
      : options.linkMbitPerS * 1e6;
  const about = {
    memberId,
    version,
    ...dialledAt,
    ...(!isReachable && { isReachable }),
    ...(engine !== plainEngine && { engine }),
    ...(linkBitsPerSecond !== undefined && { linkBitsPerSecond }),
    ...clockOf(redis, logger),
    frames: newestFrameFormat,
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
      .then((order) => {
        obey(stopping, order);
        return runtime.hangs() ? undefined : markAlive();
      })
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
    (await startMetricsServer(options.metricsPlace, pageOf(metrics, runtime, heartbeat.status)));
  const trainer = options.trainerPlace && new TrainerStatusReport(options.trainerPlace, logger);
  const faults =
    options.faultDoor &&
    (await openFaultDoor(options.faultDoor, faultHandlers({ runtime }), (error) =>
      logger.warn('A fault was not done', { error: errorToWire(error) }),
    ));
  let attempt: number | undefined;
  tellOfDrain(heartbeat, stopping);
  atOnce.addEventListener('abort', () => runtime.hurry(), { once: true });
  // Whoever leaves takes no more jobs while it does its last step.
  let closing: Promise<void> | undefined;
  const closeJobs = (): Promise<void> => (closing ??= jobs.close());
  signal.addEventListener('abort', () => void closeJobs(), { once: true });
  options.onWork?.(() => workOf(heartbeat.status, attempt));
  options.onReady();
  logger.info('The worker is ready', { ...peers.address, ...runtime.numerics, pid: process.pid });

  const numericsNow = (): Numerics => ({
    ...runtime.numerics,
    fingerprint: heartbeat.status.fingerprint,
  });
  const isEnough = (record: RunRecord | undefined): boolean => own?.look(record) !== undefined;
  const lastViews = new Map<string, View>();
  const own = options.run === undefined ? undefined : new OwnRun(options.run, options.runWaitMs);
  const takePart = async (): Promise<WorkerEnd> => {
    while (!signal.aborted) {
      if (own) own.situation = { ...own.situation, numerics: numericsNow() };
      const { record, coming, end } = await findWork(runs, own).catch((error: unknown) => {
        logger.debug('Cannot look for a run', { error: errorToWire(error) });
        return nothing;
      });
      if (end !== undefined) return end;
      if (record === undefined) {
        const likely = coming && likelyEngineSpec(coming);
        if (likely !== undefined) runtime.foresee(likely);
        await sleep(idlePollMs);
        continue;
      }
      attempt = record.attempts.at(-1)?.attempt;
      // The coordinator counts on this member only once it has opened the run.
      heartbeat.tell({ state: 'syncing', runId: record.runId });
      heartbeat.tellOpening('opening the run');
      try {
        const opening = RunSession.open(
          {
            connection,
            store,
            runtime,
            peers,
            logger,
            heartbeat,
            troubles,
            metrics,
            onMeasured: (line, numSteps) => trainer?.tell(line, numSteps),
            lastViews,
            spoolFolder: options.spoolFolder,
            scratchFolder: options.scratchFolder,
            isEnough,
          },
          { memberId, record },
        );
        // Nobody waits for one that has not opened the run yet.
        const session = await Promise.race([opening, aborted(signal)]);
        if (session === undefined) break;
        if (own) own.situation = { numerics: numericsNow() };
        logger.info('Takes part in the run');
        await session.run(signal);
        logger.info('The run is over for this worker');
        heartbeat.tell(idleStatus);
      } catch (error) {
        const wire = errorToWire(error);
        logger.warn('Cannot take part in the run', { runId: record.runId, error: wire });
        const complaint = { viewVersion: 0, step: 0, suspects: [], error: wire };
        heartbeat.tell({ complaint, opening: undefined });
        if (own) own.situation = { ...own.situation, trouble: wire.message };
        await sleep(reopenMs);
      }
    }
    return drained(stopping);
  };
  // Without its threads a worker is of no use; started anew it is.
  const end = await Promise.race([
    takePart(),
    aborted(atOnce).then(() => {
      tellOfUnsaved(heartbeat.status, logger);
      return drained(stopping);
    }),
    runtime.death,
    data.death,
    peers.death,
    device.lost,
  ]);

  heartbeat.tell({ state: 'draining' });
  models.close();
  await endNow(stopping, async () => {
    await Promise.all([closeJobs(), questions.close()]);
    await heartbeat.stop();
    await members.leave(memberId).catch(() => undefined);
    await trainer?.close();
    await peers.close();
    metricsServer?.close();
    if (faults) faults.close();
    await Promise.all([runtime.close(), data.close()]);
    await device.release().catch(() => undefined);
  });
  connection.close();
  store.close();
  return end;
}

async function startComputing(
  { device: preference, memberId, numThreads, logger }: WorkerOptions,
  connection: Promise<RedisConnection>,
): Promise<{ readonly device: ChosenDevice; readonly runtime: Runtime }> {
  const options = { connection, memberId, env: process.env, logger };
  const device = await chooseDevice(preference, options);
  return { device, runtime: await startRuntime({ numThreads, device: device.kind }, logger) };
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
function pageOf(metrics: WorkerMetrics, runtime: Runtime, status: WorkerStatus): MetricsPage {
  const numTensors = new LastKnown(() => runtime.numTensors(), tensorsPatienceMs);
  return {
    isWell: () => !runtime.hangs(),
    whyNotReady: () => whyNotReady(status),
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
