import {
  BerthError,
  heldOutShardsOf,
  cursorOfStep,
  exampleSetsOf,
  labelsOf,
  phaseAt,
  phasesOf,
  taskNameOf,
  tasks,
  trainingHash,
  withPlannedSteps,
  type AnyDataset,
  type DatasetJob,
  type LabelledDataset,
  type LabelledDatasetJob,
  type DatasetManifest,
  type RunConfig,
  type ObjectStore,
  type RunRecord,
  type StoredPart,
} from '@berth/contracts';
import { readModel } from '@berth/checkpoint';
import { exampleSetIdOf, isLabelled, readAnyDataset, readDatasetManifest } from '@berth/data';
import type { DataPort, RunChange } from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import {
  createMembers,
  createPreparationNotes,
  createRuns,
  openRun,
  type RedisConnection,
} from '@berth/queue';
import { dataOfGrid } from './data-of-grid.ts';
import { DatasetFlow, type DatasetMaking } from './dataset/dataset-flow.ts';
import { LabelledJob } from './dataset/labelled-job.ts';
import { ExampleSupply } from './example-supply.ts';
import { LabelledSupply } from './labelled-supply.ts';

export interface PreparationOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
}

/** Has the data of one run made by jobs: its dataset first, then examples ahead of training. */
export class Preparation implements DataPort {
  readonly #options: PreparationOptions;
  readonly #runId: string;
  readonly #run;
  readonly #runs;
  readonly #members;
  /** What is awaited, and for which request. */
  #making: { readonly askedAtMs: number; readonly dataset: DatasetMaking } | undefined;
  /** One for each phase of the run. */
  #supplies: { readonly manifestKey: string; readonly list: readonly ExampleSupply[] } | undefined;
  #labelled: LabelledSupply | undefined;

  constructor(options: PreparationOptions, runId: string) {
    this.#options = options;
    this.#runId = runId;
    this.#run = openRun(options.connection, runId);
    this.#runs = createRuns(options.connection);
    this.#members = createMembers(options.connection);
  }

  /** One look at a run whose data is being made. @throws BerthError with which its job failed */
  async prepare(record: RunRecord): Promise<RunChange> {
    if (record.manifestKey === null || record.requests.submission !== null)
      return this.#findDataset(record);
    if (record.labelledData !== undefined) {
      const lacking = await (await this.#openLabelled(record)).advance();
      if (lacking !== '') return { reason: lacking };
      return record.goal === 'trained'
        ? { status: 'starting', reason: 'the examples are there' }
        : { status: 'completed', reason: 'the data is prepared' };
    }
    const [supply] = await this.#openSupplies(record);
    if (record.goal === 'trained') {
      await supply!.advance({ epoch: 0, index: 0 }, Infinity);
      return { status: 'starting', reason: 'the first examples are being made' };
    }
    await supply!.advanceEpoch(0);
    const missing = supply!.numMissingOf(0);
    return missing === 0
      ? { status: 'completed', reason: 'the data is prepared' }
      : { reason: `making examples: ${missing} shards to go` };
  }

  /** Has the dataset made, or found to be the one that the run has. */
  async #findDataset(record: RunRecord): Promise<RunChange> {
    const { store } = this.#options;
    const { submission } = record.requests;
    const config = submission?.config ?? record.config;
    const askedAtMs = submission?.askedAtMs ?? record.attempts.at(-1)?.startedAtMs ?? 0;
    if (this.#making?.askedAtMs !== askedAtMs) {
      const known =
        record.manifestKey !== null && submission !== null
          ? { manifestKey: record.manifestKey, isTrainedOn: submission.isTrained }
          : dataOfGrid(record, await this.#runs.list());
      const job = await this.#datasetJobOf(config, askedAtMs, known);
      this.#making = { askedAtMs, dataset: this.#makingOf(job) };
    }
    const look = await this.#making.dataset.look();
    if (look.manifestKey === undefined) return { reason: look.reason };
    const { manifestKey } = look;
    this.#making = undefined;
    this.#supplies = undefined;
    this.#labelled = undefined;
    const manifest = await readAnyDataset(store, manifestKey);
    const change = isLabelled(manifest)
      ? this.#labelledChange(config, manifest)
      : this.#corpusChange(config, manifest, record.exampleFormat);
    return {
      ...change,
      // Of a run that has trained it is that of its checkpoints, whichever release made it.
      ...(submission?.isTrained === true && { trainingHash: record.trainingHash }),
      manifestKey,
      requests: { ...record.requests, submission: null },
      reason: `dataset ${manifest.datasetId.slice(0, 12)}: ${describe(manifest)}`,
    };
  }

  #makingOf(job: DatasetJob | LabelledDatasetJob): DatasetMaking {
    const { connection, store, jobs } = this.#options;
    const members = this.#members;
    if (job.kind === 'labelledDataset') return new LabelledJob({ jobs, members }, job);
    const notes = createPreparationNotes(connection, this.#runId);
    return new DatasetFlow({ store, jobs, notes, members }, job);
  }

  #labelledChange(config: RunConfig, dataset: LabelledDataset): RunChange {
    const numTrainExamples = numExamplesOf(dataset);
    const planned = withPlannedSteps(config, numTrainExamples);
    return {
      config: planned,
      trainingHash: trainingHash(planned),
      exampleSetId: dataset.exampleSetId,
      labelledData: {
        fineTuning: dataset.fineTuning,
        numTrainExamples,
        numHeldOutExamples: dataset.heldOut.numExamples,
      },
    };
  }

  #corpusChange(
    config: RunConfig,
    manifest: DatasetManifest,
    exampleFormat: string | undefined,
  ): RunChange {
    if (config.corpus?.dataset !== undefined) requireParts(config, manifest);
    const setIds = phasesOf(config).map(({ examples }) =>
      exampleSetIdOf(manifest.datasetId, examples, config.seed, exampleFormat),
    );
    return {
      config,
      trainingHash: trainingHash(config),
      exampleSetId: setIds[0]!,
      phaseSetIds: setIds.length === 1 ? undefined : setIds,
      datasetHealth: manifest.health,
      datasetSettings: config.corpus?.dataset === undefined ? undefined : settingsOf(manifest),
    };
  }

  async #datasetJobOf(
    config: RunConfig,
    askedAtMs: number,
    known: LabelledDatasetJob['known'],
  ): Promise<DatasetJob | LabelledDatasetJob> {
    const { corpus, task, vocabulary, seed, examples, init } = config;
    const model =
      init?.sha256 === undefined ? undefined : await readModel(this.#options.store, init.sha256);
    const common = {
      runId: this.#runId,
      vocabulary,
      ...(model && { modelVocabulary: partOf(model.vocabulary) }),
      numShards: examples.numShards,
      askedAtMs,
      ...(known && { known }),
    };
    if (task !== undefined)
      return { kind: 'labelledDataset', ...common, task, maxSeqLength: examples.maxSeqLength };
    if (corpus === undefined)
      throw new BerthError('INTERNAL', `Run ${this.#runId} has neither a corpus nor a task`);
    const { pairsSentences } = tasks[taskNameOf(examples)];
    return {
      kind: 'dataset',
      ...common,
      corpus,
      ...(!pairsSentences && { pairsSentences: false }),
      seed,
    };
  }

  async #openLabelled({ manifestKey, config }: RunRecord): Promise<LabelledSupply> {
    if (this.#labelled !== undefined) return this.#labelled;
    if (manifestKey === null)
      throw new BerthError('INTERNAL', `Run ${this.#runId} trains without a dataset`);
    const dataset = await readAnyDataset(this.#options.store, manifestKey);
    const job = await this.#datasetJobOf(config, 0, { manifestKey, isTrainedOn: true });
    if (!isLabelled(dataset) || job.kind !== 'labelledDataset')
      throw new BerthError('INTERNAL', `Run ${this.#runId} is fine-tuned on a corpus`);
    return (this.#labelled = new LabelledSupply({ ...this.#options, dataset, job }));
  }

  async #openSupplies(record: RunRecord): Promise<readonly ExampleSupply[]> {
    const { manifestKey, config, exampleFormat } = record;
    // It may have another dataset since, without some documents.
    if (this.#supplies?.manifestKey === manifestKey) return this.#supplies.list;
    const exampleSets = exampleSetsOf(record);
    if (manifestKey === null || exampleSets.length === 0)
      throw new BerthError('INTERNAL', `Run ${this.#runId} trains without a dataset`);
    const manifest = await readDatasetManifest(this.#options.store, manifestKey);
    const supplies: ExampleSupply[] = [];
    for (const { examples, index, startsEpoch } of phasesOf(config)) {
      const supply = (): ExampleSupply =>
        new ExampleSupply({
          ...this.#options,
          config: { ...config, examples },
          manifest,
          manifestKey,
          exampleSetId: exampleSets[index]!,
          exampleFormat,
        });
      supplies.push(index === 0 || startsEpoch ? supply() : supplies.at(-1)!);
    }
    this.#supplies = { manifestKey, list: supplies };
    return supplies;
  }

  /** Has examples made ahead of training. @returns what the next step waits for, in words; '' for nothing */
  async supply(record: RunRecord, numCommitted: number): Promise<string> {
    const { config } = record;
    if (record.labelledData !== undefined) return (await this.#openLabelled(record)).advance();
    const { ledger } = this.#run;
    const last = numCommitted > 0 ? await ledger.entry(numCommitted - 1) : undefined;
    const supplies = await this.#openSupplies(record);
    const phases = phasesOf(config);
    const phase = phaseAt(config, numCommitted);
    const supply = supplies[phase.index]!;
    const next = phases.find(({ index, startsEpoch }) => index > phase.index && startsEpoch);
    // Of this phase, and of those after it that go on with its examples.
    const numNeeded = phases
      .slice(phase.index, next?.index)
      .map(({ firstStep, endStep, globalBatch }) => {
        return (endStep - Math.max(firstStep, numCommitted)) * globalBatch;
      })
      .reduce((sum, numExamples) => sum + numExamples, 0);
    const cursor = cursorOfStep(phase, numCommitted, last?.to ?? { epoch: 0, index: 0 });
    await supply.advance(cursor, numNeeded);
    const lastEpoch = next && supply.lastEpoch(cursor, numNeeded);
    if (lastEpoch !== undefined)
      await supplies[next!.index]!.advance(
        { epoch: lastEpoch + 1, index: 0 },
        (next!.endStep - next!.firstStep) * next!.globalBatch,
      );
    return numCommitted < config.train.numSteps ? supply.lacking() : '';
  }
}

/** The parts of a ready dataset are known only now. @throws BerthError `DATA_MISMATCH` for weights of others */
function requireParts(config: RunConfig, { train }: DatasetManifest): void {
  const parts = [...new Set(train.flatMap(({ part }) => part ?? []))].sort();
  for (const { examples } of phasesOf(config)) {
    const { corpusWeights: weights } = examples;
    if (weights === undefined) continue;
    const isSame = Object.keys(weights).sort().join() === parts.join();
    if (isSame && Object.values(weights).some((weight) => weight > 0)) continue;
    throw new BerthError(
      'DATA_MISMATCH',
      `examples.corpusWeights: the dataset has ${parts.length === 0 ? 'no parts' : `the parts ${parts.join(', ')}`}: ` +
        'give each a weight, one of them above 0, or leave the weights out',
    );
  }
}

/** What a ready dataset was made by. Nothing is held out where there is nothing. */
function settingsOf(manifest: DatasetManifest): NonNullable<RunRecord['datasetSettings']> {
  const { doLowerCase, heldOutRatio } = manifest;
  const isAny = heldOutShardsOf(manifest).some(({ numDocuments }) => numDocuments > 0);
  return { doLowerCase, heldOutRatio: isAny ? heldOutRatio : 0 };
}

function partOf({ key, sizeBytes, sha256 }: StoredPart): StoredPart {
  return { key, sizeBytes, sha256 };
}

function numExamplesOf({ train }: LabelledDataset): number {
  return train.reduce((sum, { numExamples }) => sum + numExamples, 0);
}

function describe(manifest: AnyDataset): string {
  if (isLabelled(manifest)) {
    const { fineTuning, heldOut, vocabulary } = manifest;
    const labels = labelsOf(fineTuning);
    return (
      `${numExamplesOf(manifest)} labelled examples, ${heldOut.numExamples} held out, ` +
      (labels.length === 0 ? '' : `${labels.length} labels, `) +
      `vocabulary ${vocabulary.numTokens}`
    );
  }
  const sum = (key: 'numDocuments' | 'numTokens'): number =>
    manifest.train.reduce((total, shard) => total + shard[key], 0);
  return (
    `${sum('numDocuments')} documents, ${sum('numTokens')} tokens, ` +
    `${heldOutShardsOf(manifest).reduce((total, shard) => total + shard.numDocuments, 0)} held out, ` +
    `vocabulary ${manifest.vocabulary.numTokens}`
  );
}
