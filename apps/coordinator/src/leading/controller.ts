import { mapConcurrently } from '@berth/checkpoint';
import {
  isFinal,
  type Logger,
  type ObjectStore,
  type RelayAddress,
  type S3Place,
} from '@berth/contracts';
import {
  Controller,
  coordinationTimes,
  perform,
  stepAtEnd,
  type LeadingPorts,
  type Scope,
} from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import {
  createLease,
  createMembers,
  createRuns,
  keepLease,
  openRun,
  type Lease,
  type RedisConnection,
  type Runs,
} from '@berth/queue';
import { StoreCleaning } from '../cleaning/store-cleaning.ts';
import { MetricsArchive } from '../metrics-archive/metrics-archive.ts';
import { EndExports } from './end-exports.ts';
import { openPast } from './open-past.ts';
import { RunRecordArchive } from './run-record-archive.ts';
import { openRunPorts, systemClock } from './run-ports.ts';

export interface ControllerOptions {
  readonly coordinatorId: string;
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly s3: S3Place;
  readonly jobs: JobProducer;
  /** Of this coordinator. @defaultValue it relays nothing */
  readonly relay?: RelayAddress | undefined;
  /** What it may take up. @defaultValue all runs */
  readonly scope?: Scope | undefined;
  readonly logger: Logger;
}

/** Runs whose checkpoints are listed at once. */
const maxListings = 8;

/** Drives runs, one at a time, until the signal: a `Controller` over Redis and the bucket, and the lease that it needs. */
export async function runController(
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { connection, coordinatorId, scope, logger } = options;
  const runs = createRuns(connection);
  const archive = new RunRecordArchive(options.store, logger);
  const holder = { holderId: coordinatorId, ttlMs: coordinationTimes.leaseTtlMs };
  const lease = createLease(connection, holder);
  const keeping = new Keeping(options, runs, archive, lease);
  const news = createMembers(connection).news(signal);
  const ports: LeadingPorts = {
    clock: systemClock,
    runs,
    keeping,
    awaitNews: (timeoutMs) => news.wait(timeoutMs),
    openRun: (runId, runLogger) => openRunPorts({ ...options, archive, logger: runLogger }, runId),
    logger,
  };
  const controller = new Controller(ports, scope);
  const leading = keepLease(lease, {
    onAcquired: (held) => controller.hold(held),
    onLost: () => controller.hold(undefined),
    usedEpoch: () => controller.usedEpoch,
    signal,
    logger,
  });
  await perform(controller.run(() => signal.aborted));
  news.close();
  await keeping.close();
  await leading;
}

/** Copies of records and metrics in the bucket, and its cleaning. */
class Keeping {
  readonly #options: ControllerOptions;
  readonly #runs: Runs;
  readonly #records: RunRecordArchive;
  readonly #cleaning: StoreCleaning;
  readonly #exports: EndExports;
  readonly #lease: Lease;
  #metrics: MetricsArchive;

  constructor(options: ControllerOptions, runs: Runs, records: RunRecordArchive, lease: Lease) {
    this.#options = options;
    this.#runs = runs;
    this.#records = records;
    this.#lease = lease;
    this.#cleaning = new StoreCleaning(options);
    this.#exports = new EndExports(options, runs);
    this.#metrics = new MetricsArchive(options);
  }

  async restore(options: { readonly isOlder: boolean }): Promise<void> {
    await this.#records.restore(this.#runs, options);
    if (options.isOlder) await this.#listEndedRuns();
    this.#metrics = new MetricsArchive(this.#options);
  }

  /** Whoever opens a run lists its checkpoints; nobody opens one that has ended. */
  async #listEndedRuns(): Promise<void> {
    const { connection } = this.#options;
    const records = await this.#runs.list();
    const ended = records.filter(
      ({ status, attempts }) => isFinal(status) && stepAtEnd(attempts) > 0,
    );
    await mapConcurrently(ended, maxListings, async ({ runId, attempts }) => {
      if ((await openRun(connection, runId).checkpoints.newest()) === undefined)
        await openPast(this.#options, runId).listAgain(attempts);
    });
  }

  noteRestored(fencingEpoch: number): Promise<void> {
    return this.#lease.noteRestored(fencingEpoch);
  }

  async note(): Promise<void> {
    const records = await this.#runs.list();
    this.#records.note(records);
    const staying = records.filter(({ requests }) => !requests.remove);
    this.#metrics.note(staying);
    this.#cleaning.note(staying);
    this.#exports.note(staying);
  }

  async close(): Promise<void> {
    await Promise.all([this.#metrics.close(), this.#exports.close()]);
  }
}
