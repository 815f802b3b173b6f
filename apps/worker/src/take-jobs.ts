import { isFinal, type Logger, type Services } from '@berth/contracts';
import { createJobConsumer, type JobConsumer } from '@berth/queue/jobs';
import { createPreparationNotes, createRuns, type RedisConnection } from '@berth/queue';
import type { Troubles } from './session/troubles.ts';
import type { DataThread } from './threads/data.ts';
import { doJob, type JobPorts } from './threads/do-job.ts';

export interface TakeJobsOptions {
  readonly connection: RedisConnection;
  readonly services: Services;
  readonly memberId: string;
  readonly data: DataThread;
  readonly troubles: Troubles;
  readonly logger: Logger;
}

/** Has the data thread do the jobs of the queue, one at a time, until it is closed. @throws BerthError `QUEUE_UNREACHABLE` */
export async function takeJobs(options: TakeJobsOptions): Promise<JobConsumer> {
  const { connection, services, memberId, data, troubles, logger } = options;
  const runs = createRuns(connection);
  const ports: JobPorts = {
    memberId,
    data,
    troubles,
    hasEnded: async (runId) => {
      const record = await runs.read(runId).catch(() => undefined);
      return record !== undefined && isFinal(record.status);
    },
    notesOf: (runId) => createPreparationNotes(connection, runId),
    rest: (durationMs) => consumer.rest(durationMs),
  };
  const consumer = await createJobConsumer(services.redisUrl, {
    process: (job, signal, tell) => doJob(ports, job, { signal, tell }),
    logger,
  });
  return consumer;
}
