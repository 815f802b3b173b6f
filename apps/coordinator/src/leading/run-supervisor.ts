import {
  BerthError,
  errorFromWire,
  errorToWire,
  isBerthError,
  trainingHash,
  type DatasetJob,
  type DatasetManifest,
  type Logger,
  type ObjectStore,
  type RunRecord,
  type View,
  type ViewMember,
} from '@berth/contracts';
import { isLeftBehind } from '@berth/checkpoint';
import { assignBlocks } from '@berth/collectives';
import { exampleSetIdOf, readDatasetManifest } from '@berth/data';
import {
  coordinationTimes,
  decideRun,
  foundDamaged,
  isAlive,
  isAbandoned,
  newRunMemory,
  runPatience,
  takeBack,
  type LiveMember,
  type RunDecision,
  type RunChange,
  type RunSight,
  type TrainingStatus,
} from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import { createLogStream, createMembers, openRun, type RedisConnection } from '@berth/queue';
import { ExampleSupply } from './example-supply.ts';
import { reportDepartures } from './report-departures.ts';
import { changeToGoBack, reportDivergence, type FoundDamage } from './state-divergence.ts';
import { RunHistory, type Cut } from './recover-and-rewind.ts';

export interface SupervisorOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
  readonly logger: Logger;
}

/** What holds while the supervisor looks. */
export interface Moment {
  readonly fencingEpoch: number;
  /** The epoch with which this life of Redis began. */
  readonly serverEpoch: number;
  /** True when silence proves nothing: Redis was away, so nobody could beat. */
  readonly isLenient: boolean;
}

/** While the worker that has the dataset's job has said nothing of it. */
const opens = 'opening the corpus';

/** Takes one run from queued to its end, one small look at a time. Holds nothing that cannot be read again. */
export class RunSupervisor {
  readonly runId: string;
  readonly #options: SupervisorOptions;
  readonly #views;
  readonly #ledger;
  readonly #members;
  readonly #metrics;
  readonly #checkpoints;
  readonly #history: RunHistory;
  /** What is awaited, and for which request. */
  #datasetJob: { readonly askedAtMs: number; readonly id: string } | undefined;
  #supply: ExampleSupply | undefined;
  #memory = newRunMemory(performance.now());
  /** Members that the log has named, as their heartbeats cannot be read. */
  readonly #unreadable = new Set<string>();

  constructor(options: SupervisorOptions, runId: string) {
    const { connection } = options;
    this.#options = options;
    this.runId = runId;
    const { views, ledger, metrics, checkpoints } = openRun(connection, runId);
    this.#views = views;
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.#checkpoints = checkpoints;
    this.#members = createMembers(connection);
    this.#history = new RunHistory(options, runId);
  }

  /**
   * One look at the run.
   * @returns what to change in its record
   * @throws BerthError what ends the run, or a retryable error for the next look
   */
  async tick(record: RunRecord, moment: Moment): Promise<RunChange | undefined> {
    const { requests } = record;
    const { fencingEpoch } = moment;
    switch (record.status) {
      // Not yet while it is queued: until its turn has come it can be withdrawn.
      case 'preparing':
      case 'starting':
        if (requests.cut !== null) return this.#cut(record, requests.cut, fencingEpoch);
        break;
      case 'stopping':
        if (requests.kill) return this.#kill(record, moment);
        break;
      default:
    }
    switch (record.status) {
      case 'queued':
        return { status: 'preparing', reason: 'asking for the dataset' };
      case 'preparing':
        return this.#prepare(record);
      case 'starting':
      case 'running':
      case 'degraded':
      case 'recovering':
      case 'pausing':
      case 'stopping':
        await this.#history.restore(fencingEpoch, record.attempts);
        return this.#train(record, record.status, moment);
      case 'paused':
      case 'stopped':
      case 'completed':
      case 'failed':
        return undefined;
    }
  }

  numCommitted(): Promise<number> {
    return this.#ledger.numCommitted();
  }

  /** Puts a view without members in force: whoever still trains commits nothing more. */
  async fence(fencingEpoch: number, reason: string): Promise<View> {
    const before = await this.#views.current();
    if (before?.members.length === 0) return before;
    const draft = { fencingEpoch, mode: 'train' as const, reason, members: [] };
    return this.#views.publish(draft, before?.version);
  }

  async #cut(
    { requests, attempts, keptSteps }: RunRecord,
    cut: Cut,
    fencingEpoch: number,
  ): Promise<RunChange> {
    const fence = await this.fence(fencingEpoch, `going back to step ${cut.toStep}`);
    try {
      await this.#history.cut(cut, attempts, fence, fencingEpoch);
    } catch (error) {
      if (!isBerthError(error) || error.code !== 'CHECKPOINT_NOT_FOUND') throw error;
      return {
        status: 'failed',
        reason: error.message,
        error: errorToWire(error),
        requests: { ...requests, cut: null },
        attempts: takeBack(attempts),
      };
    }
    return {
      requests: { ...requests, cut: null },
      keptSteps: keptSteps.filter((step) => step <= cut.toStep),
      reason: `went back to step ${cut.toStep}`,
    };
  }

  async #kill(record: RunRecord, moment: Moment): Promise<RunChange> {
    const [numCommitted, view] = [await this.numCommitted(), await this.#views.current()];
    const { live } = await this.#liveMembers(moment);
    const damage = foundDamaged(view, live, numCommitted);
    // Members forget what they found when their attempt ends.
    if (damage !== undefined) return this.#goBack(record, { ...damage, numCommitted }, moment);
    await this.fence(moment.fencingEpoch, 'killed');
    const newest = await this.#checkpoints.newest();
    const saved = newest?.step ?? 0;
    return {
      status: 'stopped',
      reason: `killed at step ${numCommitted}; the newest checkpoint holds step ${saved}`,
    };
  }

  async #prepare(record: RunRecord): Promise<RunChange> {
    if (record.manifestKey === null || record.requests.submission !== null)
      return this.#findDataset(record);
    const supply = await this.#openSupply(record);
    await supply.advance({ epoch: 0, index: 0 }, Number.POSITIVE_INFINITY);
    if (record.goal === 'trained')
      return { status: 'starting', reason: 'the first examples are being made' };
    const missing = await supply.numMissingOfFirstEpoch();
    return missing === 0
      ? { status: 'completed', reason: 'the data is prepared' }
      : { reason: `making examples: ${missing} shards to go` };
  }

  /** Has the dataset made, or found to be the one that the run has. */
  async #findDataset(record: RunRecord): Promise<RunChange> {
    const { jobs, store } = this.#options;
    const { submission } = record.requests;
    const config = submission?.config ?? record.config;
    const askedAtMs = submission?.askedAtMs ?? record.attempts.at(-1)?.startedAtMs ?? 0;
    if (this.#datasetJob?.askedAtMs !== askedAtMs) {
      const { corpus, vocabulary, seed } = config;
      const { numShards } = config.examples;
      const job: DatasetJob = {
        kind: 'dataset',
        runId: this.runId,
        corpus,
        vocabulary,
        numShards,
        seed,
        askedAtMs,
        ...(record.manifestKey !== null &&
          submission !== null && {
            known: { manifestKey: record.manifestKey, isTrainedOn: submission.isTrained },
          }),
      };
      // Once: to ask again for a job that failed would start it over before its error is read.
      this.#datasetJob = { askedAtMs, id: await jobs.enqueue(job) };
    }
    const { id } = this.#datasetJob;
    const result = await this.#resultOf(id).catch((error: unknown) => {
      this.#datasetJob = undefined;
      throw error;
    });
    if (result === undefined) {
      const progress = await jobs.progressOf(id);
      return { reason: progress === undefined ? await this.#whyNobodyReads() : progress || opens };
    }
    this.#supply = undefined;
    const { manifestKey } = result as { manifestKey: string };
    const manifest = await readDatasetManifest(store, manifestKey);
    return {
      config,
      // Of a run that has trained it is that of its checkpoints, whichever release made it.
      trainingHash: submission?.isTrained === true ? record.trainingHash : trainingHash(config),
      manifestKey,
      exampleSetId: exampleSetIdOf(manifest.datasetId, config.examples, config.seed),
      datasetHealth: manifest.health,
      requests: { ...record.requests, submission: null },
      reason: `dataset ${manifest.datasetId.slice(0, 12)}: ${describe(manifest)}`,
    };
  }

  async #whyNobodyReads(): Promise<string> {
    const { live, unreadable } = await this.#members.survey({ forget: false });
    const numHere = live.filter(isAlive).length + unreadable.length;
    return numHere === 0
      ? 'waiting for a worker to start: it is to read the corpus'
      : `waiting for ${numHere === 1 ? 'the worker' : `one of ${numHere} workers`} to take the corpus`;
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

  async #train(record: RunRecord, status: TrainingStatus, moment: Moment): Promise<RunChange> {
    const { train, cluster } = record.config;
    const sight = await this.#look(record, status, moment);
    await this.#history.restore(moment.fencingEpoch, record.attempts, behindIn(sight));
    const decision = decideRun(performance.now(), this.#memory, sight, {
      numSteps: train.numSteps,
      minWorkers: cluster.minWorkers,
      wantedWorkers: cluster.numWorkers,
      virtualRanks: train.virtualRanks,
      stepTimeoutMs: cluster.stepTimeoutMs,
      ...runPatience,
    });
    this.#memory = decision.memory;
    const { reason } = decision;
    switch (decision.kind) {
      case 'end':
        // A completed run has no step left; any other might see one committed by a member that comes back.
        if (decision.status !== 'completed') await this.#fenceMembers(sight, moment, reason);
        return { status: decision.status, reason };
      case 'readAgain':
        // A lease that knows less than an epoch that was used begins the next one.
        throw new BerthError('QUEUE_STALE_EPOCH', reason, {
          details: { newest: decision.usedEpoch },
        });
      case 'fail':
        throw errorFromWire(decision.error);
      case 'saved': {
        const keptSteps = [...new Set([...record.keptSteps, decision.step])].sort((a, b) => a - b);
        return { requests: { ...record.requests, checkpoint: false }, keptSteps, reason };
      }
      case 'goBack': {
        const { diverged } = decision;
        const { numCommitted } = sight;
        return this.#goBack(record, { diverged, reason, numCommitted }, moment);
      }
      default:
    }
    if (status === 'stopping' || status === 'pausing')
      return this.#goOn(record, sight, decision, moment);
    const lacking = await this.#supplyExamples(record, sight.numCommitted);
    // The reason of a view stays with it.
    const isTold = lacking !== '' && decision.kind !== 'publish';
    const told = isTold ? { ...decision, reason: `${reason}; ${lacking}` } : decision;
    return this.#goOn(record, sight, told, moment);
  }

  async #goBack(
    record: RunRecord,
    { diverged, ...going }: FoundDamage,
    { fencingEpoch }: Moment,
  ): Promise<RunChange> {
    const { change, toStep } = await changeToGoBack(this.#options, record, going);
    // Whoever has not heard yet might add a step to those that are given up, or to a run that rests.
    await this.fence(fencingEpoch, going.reason);
    await reportDivergence(this.#options, record, diverged, `goes back to step ${toStep}`);
    return change;
  }

  async #fenceMembers({ view }: RunSight, { fencingEpoch }: Moment, reason: string): Promise<void> {
    if (view !== undefined) await this.fence(fencingEpoch, reason);
  }

  async #look(record: RunRecord, status: TrainingStatus, moment: Moment): Promise<RunSight> {
    const { numSteps } = record.config.train;
    const wantsCheckpoint = record.requests.checkpoint;
    const numCommitted = await this.numCommitted();
    const hasAll = numCommitted >= numSteps;
    const matters = hasAll || wantsCheckpoint || status === 'stopping' || status === 'pausing';
    return {
      runId: this.runId,
      status,
      wantsCheckpoint,
      numerics: record.numerics ?? undefined,
      numCommitted,
      isSaved: matters && (await this.#isSaved(record, numCommitted)),
      isEvaluated:
        (hasAll || numCommitted === 0) && (await this.#isEvaluated(record, numCommitted)),
      view: await this.#views.current(),
      fencingEpoch: moment.fencingEpoch,
      serverEpoch: moment.serverEpoch,
      ...(await this.#liveMembers(moment)),
    };
  }

  /** A note that a member of an attempt long over has left does not count. */
  async #isSaved({ attempts }: RunRecord, step: number): Promise<boolean> {
    const noted = await this.#checkpoints.at(step);
    return noted !== undefined && !isLeftBehind(this.runId, attempts, noted);
  }

  /** @throws BerthError `QUEUE_UNREACHABLE` when Redis stood still, so that everyone looks dead to it */
  async #liveMembers({ isLenient }: Moment): Promise<Pick<RunSight, 'live' | 'unreadable'>> {
    const askedMs = performance.now();
    const { live, unreadable } = await this.#members.survey({ forget: !isLenient });
    const tookMs = performance.now() - askedMs;
    if (tookMs > coordinationTimes.trustedAnswerMs)
      throw new BerthError(
        'QUEUE_UNREACHABLE',
        `Redis took ${Math.round(tookMs)} ms to answer; who beat meanwhile is not known yet`,
      );
    for (const { memberId, problem } of unreadable) {
      if (this.#unreadable.has(memberId)) continue;
      this.#unreadable.add(memberId);
      this.#options.logger.warn('A worker speaks another version and is left out', {
        memberId,
        problem,
      });
    }
    return { live: live.map(({ info }) => info), unreadable };
  }

  async #isEvaluated({ attempts, config }: RunRecord, step: number): Promise<boolean> {
    if (config.corpus.heldOutRatio === 0) return true;
    if (step === 0 && config.train.evalEverySteps === 0) return true;
    const lines = await this.#metrics.last(5);
    return lines.some(
      (line) => line.kind === 'eval' && line.step === step && !isAbandoned(attempts, line),
    );
  }

  /** @returns what the next step waits for, in words; '' for nothing */
  async #supplyExamples(record: RunRecord, numCommitted: number): Promise<string> {
    const { numSteps, globalBatch } = record.config.train;
    const last = numCommitted > 0 ? await this.#ledger.entry(numCommitted - 1) : undefined;
    const supply = await this.#openSupply(record);
    await supply.advance(
      last?.to ?? { epoch: 0, index: 0 },
      (numSteps - numCommitted) * globalBatch,
    );
    return numCommitted < numSteps ? supply.lacking() : '';
  }

  async #goOn(
    record: RunRecord,
    { status, view, live }: RunSight,
    decision: Extract<RunDecision, { kind: 'wait' | 'keep' | 'publish' }>,
    { fencingEpoch }: Moment,
  ): Promise<RunChange> {
    const { reason } = decision;
    const isEnding = status === 'stopping' || status === 'pausing';
    if (decision.kind === 'wait')
      return isEnding || status === 'starting' ? { reason } : { status: 'recovering', reason };
    const [first] = decision.kind === 'publish' ? decision.members : [];
    // A record of an older release gets the fingerprint of its first member.
    const numerics =
      first === undefined ? record.numerics : { ...first.numerics, ...record.numerics };
    // Recorded before anyone trains by it, whatever happens in between.
    if (numerics?.fingerprint !== record.numerics?.fingerprint) return { numerics, reason };
    if (decision.kind === 'publish') {
      if (decision.diverged !== undefined)
        await reportDivergence(this.#options, record, decision.diverged, 'heals');
      const published = await this.#publish(record, view, decision, fencingEpoch);
      const { connection, logger } = this.#options;
      void reportDepartures(
        { before: view, view: published, live },
        createLogStream(connection),
        logger,
      );
    }
    if (isEnding) return { numerics, reason };
    return { numerics, reason, status: decision.isShort ? 'degraded' : 'running' };
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

/** The view of which a member complains that the ledger ends before what is in the bucket; '' when none does. */
function behindIn({ view, live }: RunSight): string {
  const isBehind = live.some(
    ({ complaint }) =>
      complaint?.viewVersion === view?.version && complaint?.error.code === 'LEDGER_BEHIND',
  );
  return isBehind ? `view ${view?.version}` : '';
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
