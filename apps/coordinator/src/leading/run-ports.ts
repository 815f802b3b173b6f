import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, ObjectStore, RelayAddress } from '@berth/contracts';
import type { Clock, RunPorts } from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import { createMembers, openRun, type RedisConnection } from '@berth/queue';
import { openPast } from './open-past.ts';
import { Preparation } from './preparation.ts';
import type { RunRecordArchive } from './run-record-archive.ts';

export interface RunPortsOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
  readonly archive: RunRecordArchive;
  /** Of this coordinator. @defaultValue it relays nothing */
  readonly relay?: RelayAddress | undefined;
  readonly logger: Logger;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  timeMs: () => Date.now(),
  sleep: (ms) => sleep(ms),
};

/** What the supervisor of a run asks for, from Redis, the bucket and the job queue. */
export function openRunPorts(options: RunPortsOptions, runId: string): RunPorts {
  const { connection, archive, relay, logger } = options;
  const { ledger, views } = openRun(connection, runId);
  return {
    runId,
    clock: systemClock,
    ledger,
    views,
    members: createMembers(connection),
    past: openPast(options, runId),
    data: new Preparation(options, runId),
    relay,
    keepRecord: (record) => archive.keep(record),
    logger,
  };
}
