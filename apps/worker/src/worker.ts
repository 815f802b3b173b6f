import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, isFinal, type Logger, type RunRecord, type Services } from '@berth/contracts';
import type { Endpoint } from '@berth/collectives';
import { createS3ObjectStore } from '@berth/checkpoint';
import { connectRedis, createJobConsumer, createMembers, createRuns } from '@berth/queue';
import { startDataThread } from './data.ts';
import { Heartbeat, idlePortrait } from './heartbeat.ts';
import { startPeers } from './peers.ts';
import { RunSession } from './run-session.ts';
import { startRuntime } from './runtime.ts';

export interface WorkerOptions {
  readonly memberId: string;
  readonly services: Services;
  /** What workers prove to each other that they have. */
  readonly secret: string;
  readonly numThreads: number;
  /** Address to listen on for peers. */
  readonly host: string;
  /** @defaultValue any free port */
  readonly port?: number | undefined;
  /** Where peers dial when that is not where this worker listens. */
  readonly advertise?: Endpoint | undefined;
  readonly onReady: () => void;
  readonly logger: Logger;
}

const idleLookMs = 200;
const reopenMs = 1_000;

/**
 * A worker's life: beat, do the jobs of the queue, and take part in whichever run is active, until the signal.
 * The main thread only talks to Redis and the bucket; TensorFlow, the data plane and job work have threads of their own.
 */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { memberId, services, secret, numThreads, host, port = 0, logger } = options;
  const connection = await connectRedis(services.redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(services.s3, logger);
  const [runtime, data, peers] = await Promise.all([
    startRuntime({ numThreads }),
    startDataThread({ services }),
    startPeers({ memberId, host, port, secret }, logger),
  ]);
  const jobs = await createJobConsumer(services.redisUrl, {
    process: (job) => data.process(job),
    logger,
  });

  const members = createMembers(connection);
  const about = {
    memberId,
    ...(options.advertise ?? peers.address),
    pid: process.pid,
    hostname: hostname(),
    numerics: runtime.numerics,
    startedAtMs: Date.now(),
  };
  const heartbeat = new Heartbeat((portrait, isNews) =>
    members
      .heartbeat({ ...about, ...portrait }, { isNews })
      .catch((error: unknown) => logger.debug('No heartbeat', { error: errorToWire(error) })),
  );
  options.onReady();

  const runs = createRuns(connection);
  const takePart = async (): Promise<void> => {
    while (!signal.aborted) {
      const record = await activeRun(runs).catch(() => undefined);
      if (record === undefined) {
        await sleep(idleLookMs);
        continue;
      }
      // The coordinator counts on this member only once it has opened the run.
      heartbeat.tell({ state: 'syncing', runId: record.runId });
      try {
        const session = await RunSession.open(
          { connection, store, runtime, peers, logger, heartbeat },
          { memberId, record },
        );
        await session.run(signal);
        heartbeat.tell(idlePortrait);
      } catch (error) {
        const wire = errorToWire(error);
        logger.warn('Cannot take part in the run', { runId: record.runId, error: wire });
        heartbeat.tell({ complaint: { viewVersion: 0, step: 0, suspects: [], error: wire } });
        await sleep(reopenMs);
      }
    }
  };
  // Without its threads a worker is of no use; started anew it is.
  await Promise.race([takePart(), runtime.death, data.death, peers.death]);

  heartbeat.tell({ state: 'draining' });
  await jobs.close();
  await heartbeat.stop();
  await members.leave(memberId).catch(() => undefined);
  await peers.close();
  await Promise.all([runtime.close(), data.close()]);
  connection.close();
  store.close();
}

/** The active run, once it has data to train on. */
async function activeRun(runs: ReturnType<typeof createRuns>): Promise<RunRecord | undefined> {
  const runId = await runs.active();
  const record = runId === undefined ? undefined : await runs.read(runId);
  if (record === undefined || isFinal(record.status) || record.manifestKey === null)
    return undefined;
  return record.goal === 'trained' ? record : undefined;
}
