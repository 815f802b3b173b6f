import {
  BerthError,
  errorFromWire,
  type DatasetManifest,
  type LedgerEntry,
  type Logger,
  type ObjectStore,
  type RunRecord,
  type View,
  type ViewMember,
} from '@berth/contracts';
import { findNewestManifest, readLedger } from '@berth/checkpoint';
import { assignBlocks } from '@berth/collectives';
import { exampleSetIdOf, readDatasetManifest } from '@berth/data';
import {
  createCheckpointIndex,
  createLedger,
  createLogStream,
  createMembers,
  createMetricsLog,
  createViews,
  type JobProducer,
  type RedisConnection,
} from '@berth/queue';
import {
  decideRun,
  newRunMemory,
  type LiveMember,
  type RunDecision,
  type RunSight,
} from '@berth/training/protocol';
import { ExampleSupply } from './example-supply.ts';
import { reportDepartures } from './report-departures.ts';

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

const patience = {
  joinTimeoutMs: 20_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_200,
  patientAttempts: 3,
  maxAttemptsPerStep: 30,
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
  #memory = newRunMemory(performance.now());

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
        return this.#train(record, record.status, moment);
      case 'stopped':
      case 'degraded':
      case 'pausing':
      case 'paused':
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

  async #train(record: RunRecord, status: RunSight['status'], moment: Moment): Promise<RunChange> {
    const { train, cluster } = record.config;
    const sight = await this.#look(record, status, moment);
    const decision = decideRun(performance.now(), this.#memory, sight, {
      numSteps: train.numSteps,
      minWorkers: cluster.minWorkers,
      wantedWorkers: cluster.numWorkers,
      virtualRanks: train.virtualRanks,
      ...patience,
    });
    this.#memory = decision.memory;
    if (decision.kind === 'end') return { status: decision.status, reason: decision.reason };
    if (decision.kind === 'fail') throw errorFromWire(decision.error);
    if (status !== 'stopping') await this.#supplyExamples(record, sight.numCommitted);
    return this.#goOn(record, sight, decision, moment);
  }

  async #look(record: RunRecord, status: RunSight['status'], moment: Moment): Promise<RunSight> {
    const { numSteps } = record.config.train;
    const numCommitted = await this.#ledger.numCommitted();
    const hasAll = numCommitted >= numSteps;
    const matters = hasAll || status === 'stopping';
    return {
      runId: this.runId,
      status,
      numerics: record.numerics ?? undefined,
      numCommitted,
      isSaved: matters && (await this.#checkpoints.at(numCommitted)) !== undefined,
      isEvaluated: hasAll && (await this.#isEvaluated(numSteps)),
      view: await this.#views.current(),
      live: await this.#liveMembers(moment),
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

  async #isEvaluated(numSteps: number): Promise<boolean> {
    const lines = await this.#metrics.last(5);
    return lines.some((line) => line.kind === 'eval' && line.step === numSteps);
  }

  async #supplyExamples(record: RunRecord, numCommitted: number): Promise<void> {
    const { numSteps, globalBatch } = record.config.train;
    const last = numCommitted > 0 ? await this.#ledger.entry(numCommitted - 1) : undefined;
    const supply = await this.#openSupply(record);
    await supply.advance(
      last?.to ?? { epoch: 0, index: 0 },
      (numSteps - numCommitted) * globalBatch,
    );
  }

  async #goOn(
    record: RunRecord,
    { status, view, live }: RunSight,
    decision: Exclude<RunDecision, { kind: 'end' | 'fail' }>,
    { fencingEpoch }: Moment,
  ): Promise<RunChange> {
    const { reason } = decision;
    if (decision.kind === 'wait')
      return status === 'running' ? { status: 'recovering', reason } : { reason };
    if (decision.kind === 'publish') {
      const published = await this.#publish(record, view, decision, fencingEpoch);
      const { connection, logger } = this.#options;
      void reportDepartures(
        { before: view, view: published, live },
        createLogStream(connection),
        logger,
      );
    }
    const [first] = decision.kind === 'publish' ? decision.members : [];
    const numerics = record.numerics ?? first?.numerics ?? null;
    return { numerics, reason, ...(status !== 'stopping' && { status: 'running' as const }) };
  }

  async #publish(
    { config }: RunRecord,
    before: View | undefined,
    { members, mode, reason }: Extract<RunDecision, { kind: 'publish' }>,
    fencingEpoch: number,
  ): Promise<View> {
    const view = await this.#views.publish(
      { fencingEpoch, mode, reason, members: seat(members, config.train.virtualRanks) },
      before?.version,
    );
    const { version, fromStep } = view;
    this.#options.logger.info('Published a view', { version, step: fromStep, reason });
    return view;
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

/** Members with the virtual ranks that each computes. */
function seat(members: readonly LiveMember[], virtualRanks: number): ViewMember[] {
  const ids = members.map(({ memberId }) => memberId);
  const blocks = assignBlocks(virtualRanks, ids);
  return members.map(({ memberId, host, port }, index) => ({
    memberId,
    host,
    port,
    blocks: blocks[index] ?? [],
  }));
}

function describe(manifest: DatasetManifest): string {
  const sum = (key: 'numDocuments' | 'numTokens'): number =>
    manifest.train.reduce((total, shard) => total + shard[key], 0);
  return (
    `${sum('numDocuments')} documents, ${sum('numTokens')} tokens, ` +
    `${manifest.heldOut.numDocuments} held out, vocabulary ${manifest.vocabulary.numTokens}`
  );
}
