import {
  BerthError,
  errorFromWire,
  type DatasetManifest,
  type LedgerEntry,
  type Logger,
  type ObjectStore,
  type RunRecord,
  type View,
} from '@berth/contracts';
import { findNewestManifest, readLedger } from '@berth/checkpoint';
import { assignBlocks } from '@berth/collectives';
import { exampleSetIdOf, readDatasetManifest } from '@berth/data';
import {
  createCheckpointIndex,
  createLedger,
  createMembers,
  createMetricsLog,
  createViews,
  type JobProducer,
  type RedisConnection,
} from '@berth/queue';
import { Attempts } from './attempts.ts';
import { ExampleSupply } from './example-supply.ts';
import { Expulsions } from './expulsions.ts';
import { decideMembership, type LiveMember } from './membership.ts';

export interface SupervisorOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
  readonly logger: Logger;
}

/** What holds while the supervisor looks. */
export interface Moment {
  readonly fencingEpoch: number;
  /** True when silence proves nothing: Redis was away, so nobody could beat. */
  readonly isLenient: boolean;
}

export type RunChange = Partial<Omit<RunRecord, 'runId'>>;

const membershipTimes = {
  joinTimeoutMs: 20_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_200,
  patientAttempts: 3,
};
/** An answer of Redis that took longer says nothing about who lives. */
const trustedAnswerMs = 500;

/** Takes one run from queued to its end, one small look at a time. Holds nothing that cannot be read again. */
export class RunSupervisor {
  readonly runId: string;
  readonly #options: SupervisorOptions;
  readonly #views;
  readonly #ledger;
  readonly #members;
  readonly #metrics;
  readonly #checkpoints;
  #datasetJobId: string | undefined;
  #supply: ExampleSupply | undefined;
  #restored = false;
  #waitingSinceMs = performance.now();
  readonly #expulsions = new Expulsions();
  readonly #attempts = new Attempts();

  constructor(options: SupervisorOptions, runId: string) {
    const { connection } = options;
    this.#options = options;
    this.runId = runId;
    this.#views = createViews(connection, runId);
    this.#ledger = createLedger(connection, runId);
    this.#members = createMembers(connection);
    this.#metrics = createMetricsLog(connection, runId);
    this.#checkpoints = createCheckpointIndex(connection, runId);
  }

  /**
   * One look at the run.
   * @returns what to change in its record
   * @throws BerthError what ends the run, or a retryable error for the next look
   */
  async tick(record: RunRecord, moment: Moment): Promise<RunChange | undefined> {
    switch (record.status) {
      case 'queued':
        return { status: 'preparing', reason: 'reading the corpus' };
      case 'preparing':
        return this.#prepare(record);
      case 'starting':
      case 'running':
      case 'recovering':
      case 'stopping':
        await this.#restoreLedger(moment.fencingEpoch);
        return this.#train(record, moment);
      case 'stopped':
      case 'completed':
      case 'failed':
      case 'crashed':
        return undefined;
    }
  }

  async #prepare(record: RunRecord): Promise<RunChange> {
    const { config } = record;
    if (record.manifestKey === null) {
      const { corpus, vocabulary, seed } = config;
      const { numShards } = config.examples;
      const { runId } = this;
      // Once: to ask again for a job that failed would start it over before its error is read.
      this.#datasetJobId ??= await this.#options.jobs.enqueue({
        kind: 'dataset',
        runId,
        corpus,
        vocabulary,
        numShards,
        seed,
      });
      const result = await this.#resultOf(this.#datasetJobId).catch((error: unknown) => {
        this.#datasetJobId = undefined;
        throw error;
      });
      if (result === undefined) return { reason: 'waiting for a worker to read the corpus' };
      const { manifestKey } = result as { manifestKey: string };
      const manifest = await readDatasetManifest(this.#options.store, manifestKey);
      return {
        manifestKey,
        exampleSetId: exampleSetIdOf(manifest.datasetId, config.examples, config.seed),
        reason: `dataset ${manifest.datasetId.slice(0, 12)}: ${describe(manifest)}`,
      };
    }
    const supply = await this.#openSupply(record);
    await supply.advance({ epoch: 0, index: 0 }, Number.POSITIVE_INFINITY);
    if (record.goal === 'trained') return { status: 'starting', reason: 'waiting for workers' };
    const missing = await supply.numMissingOfFirstEpoch();
    return missing === 0
      ? { status: 'completed', reason: 'the data is prepared' }
      : { reason: `making examples: ${missing} shards to go` };
  }

  async #openSupply(record: RunRecord): Promise<ExampleSupply> {
    if (this.#supply !== undefined) return this.#supply;
    const { manifestKey } = record;
    if (manifestKey === null || record.exampleSetId === null)
      throw new BerthError('INTERNAL', `Run ${this.runId} trains without a dataset`);
    const manifest = await readDatasetManifest(this.#options.store, manifestKey);
    this.#supply = new ExampleSupply({
      ...this.#options,
      config: record.config,
      manifest,
      manifestKey,
      exampleSetId: record.exampleSetId,
    });
    return this.#supply;
  }

  /** After a total loss of Redis the ledger comes back from the newest checkpoint. */
  async #restoreLedger(fencingEpoch: number): Promise<void> {
    if (this.#restored) return;
    const { store, logger } = this.#options;
    const newest = await findNewestManifest(store, this.runId, { logger });
    if (newest !== undefined) {
      const { manifest, manifestKey } = newest;
      const numCommitted = await this.#ledger.numCommitted();
      if (numCommitted < manifest.step) {
        const entries: LedgerEntry[] = await readLedger(store, manifest);
        await this.#ledger.restore(entries, fencingEpoch);
        logger.warn('Restored the ledger from a checkpoint', { step: manifest.step, numCommitted });
      }
      await this.#checkpoints.note({ step: manifest.step, manifestKey });
    }
    this.#restored = true;
  }

  async #train(record: RunRecord, moment: Moment): Promise<RunChange> {
    const { config } = record;
    const numCommitted = await this.#ledger.numCommitted();
    const isStopping = record.status === 'stopping';
    if (isStopping && (await this.#checkpoints.at(numCommitted)) !== undefined)
      return { status: 'stopped', reason: `saved at step ${numCommitted}` };
    if (await this.#isComplete(config.train.numSteps, numCommitted))
      return { status: 'completed', reason: `trained ${config.train.numSteps} steps` };

    if (!isStopping) {
      const last = numCommitted > 0 ? await this.#ledger.entry(numCommitted - 1) : undefined;
      const numExamplesNeeded = (config.train.numSteps - numCommitted) * config.train.globalBatch;
      await (
        await this.#openSupply(record)
      ).advance(last?.to ?? { epoch: 0, index: 0 }, numExamplesNeeded);
    }
    return this.#supervise(record, moment);
  }

  async #isComplete(numSteps: number, numCommitted: number): Promise<boolean> {
    if (numCommitted < numSteps) return false;
    if ((await this.#checkpoints.at(numSteps)) === undefined) return false;
    const lines = await this.#metrics.last(5);
    return lines.some((line) => line.kind === 'eval' && line.step === numSteps);
  }

  async #supervise(record: RunRecord, moment: Moment): Promise<RunChange> {
    const { config } = record;
    const view = await this.#views.current();
    const live = await this.#liveMembers(moment);
    const nowMs = performance.now();
    this.#attempts.judge(nowMs, view, live);
    const mode = record.status === 'stopping' ? 'save' : 'train';
    const decision = decideMembership(
      nowMs,
      {
        runId: this.runId,
        live,
        view,
        numerics: record.numerics ?? undefined,
        waitingSinceMs: this.#waitingSinceMs,
        complaintSinceMs: this.#attempts.complaintSinceMs,
        numAttempts: this.#attempts.count,
        expelled: this.#expulsions.at(nowMs),
        mode,
      },
      {
        minWorkers: config.cluster.minWorkers,
        wantedWorkers: config.cluster.numWorkers,
        virtualRanks: config.train.virtualRanks,
        ...membershipTimes,
      },
    );
    const { reason } = decision;
    if (decision.kind === 'wait') {
      this.#failIfNoneCanOpen(live);
      if (mode === 'save' && !live.some((member) => member.runId === this.runId))
        return {
          status: 'stopped',
          reason: 'no worker was left to save; resume redoes some steps',
        };
      return record.status === 'running' ? { status: 'recovering', reason } : { reason };
    }
    if (decision.kind === 'publish') {
      for (const memberId of decision.expels ?? []) this.#expulsions.add(memberId, nowMs);
      await this.#publish(record, view, decision.members, moment, mode, reason);
    }
    const [first] = decision.kind === 'publish' ? decision.members : [];
    const numerics = record.numerics ?? first?.numerics ?? null;
    return {
      numerics,
      reason,
      ...(record.status !== 'stopping' && { status: 'running' as const }),
    };
  }

  /** @throws BerthError `QUEUE_UNREACHABLE` when Redis stood still, so that everyone looks dead to it */
  async #liveMembers({ isLenient }: Moment): Promise<LiveMember[]> {
    const askedMs = performance.now();
    const listed = await this.#members.list({ forget: !isLenient });
    const tookMs = performance.now() - askedMs;
    if (tookMs > trustedAnswerMs)
      throw new BerthError(
        'QUEUE_UNREACHABLE',
        `Redis took ${Math.round(tookMs)} ms to answer; who beat meanwhile is not known yet`,
      );
    return listed.map(({ info }) => info);
  }

  async #publish(
    record: RunRecord,
    before: View | undefined,
    members: readonly LiveMember[],
    { fencingEpoch }: Moment,
    mode: View['mode'],
    reason: string,
  ): Promise<void> {
    const ids = members.map((member) => member.memberId);
    const blocks = assignBlocks(record.config.train.virtualRanks, ids);
    const view = await this.#views.publish(
      {
        fencingEpoch,
        mode,
        reason,
        members: members.map(({ memberId, host, port }, index) => ({
          memberId,
          host,
          port,
          blocks: blocks[index] ?? [],
        })),
      },
      before?.version,
    );
    this.#attempts.published(view);
    this.#options.logger.info('Published a view', {
      version: view.version,
      fromStep: view.fromStep,
      reason,
    });
  }

  /** Without a member, the run ends with the reason why one could not open it, if that will not pass. */
  #failIfNoneCanOpen(live: readonly LiveMember[]): void {
    for (const { runId, state, complaint } of live) {
      if (runId !== this.runId || state !== 'syncing' || complaint === null) continue;
      const error = errorFromWire(complaint.error);
      if (!error.policy.retry) throw error;
    }
  }

  /** A job's result, or undefined while it is not done. */
  async #resultOf(jobId: string): Promise<unknown> {
    try {
      return await this.#options.jobs.waitForJob(jobId, { timeoutMs: 0 });
    } catch (error) {
      if (error instanceof BerthError && error.code === 'WORKER_TIMEOUT') return undefined;
      throw error;
    }
  }
}

function describe(manifest: DatasetManifest): string {
  const sum = (key: 'numDocuments' | 'numTokens'): number =>
    manifest.train.reduce((total, shard) => total + shard[key], 0);
  return (
    `${sum('numDocuments')} documents, ${sum('numTokens')} tokens, ` +
    `${manifest.heldOut.numDocuments} held out, vocabulary ${manifest.vocabulary.numTokens}`
  );
}
