import { createS3ObjectStore } from '@berth/checkpoint';
import {
  BerthError,
  isFinal,
  phasesOf,
  type Logger,
  type RunRecord,
  type Services,
} from '@berth/contracts';
import {
  createForgetting,
  exampleSetIdOf,
  findDocuments,
  forgetDocuments,
  forgottenDatasetId,
  isLabelled,
  readAnyDataset,
  type FoundDocument,
} from '@berth/data';
import {
  chooseRun,
  decideForget,
  noSuchRun,
  refusalText,
  restsAt,
  stepBefore,
  type ControlSnapshot,
  type Forgetting,
} from '@berth/protocol';
import { connectRedis, createRuns } from '@berth/queue';
import { committedSteps, type RunStores } from '../replay/committed-steps.ts';
import { completeSteps } from '../runs/complete-steps.ts';
import { firstUsedStep } from './first-used-step.ts';

export interface ForgetOptions {
  readonly logger: Logger;
  /** Only says what would be done. */
  readonly isDryRun: boolean;
  /** No cluster runs, so that nobody works on a run that has not ended. */
  readonly isAtRest: boolean;
  /** Told what is being done. */
  readonly say: (what: string) => void;
}

/** What forgetting documents is, or would be, for a run. */
export interface ForgetReport {
  readonly runId: string;
  readonly isDone: boolean;
  /** Of the dataset; those that it had forgotten before are not among them. */
  readonly documents: readonly FoundDocument[];
  readonly datasetIdBefore: string;
  readonly datasetId: string;
  /** The first committed step that one of them was used in; null when it was in none. */
  readonly firstUse: number | null;
  /** The checkpoint, or the beginning, that the run goes back to; null when it does not. */
  readonly toStep: number | null;
  readonly numStepsToRepeat: number;
  /** For people. */
  readonly reason: string;
  /** Runs that have the dataset too, and still know the documents. */
  readonly otherRuns: readonly string[];
}

/**
 * Takes documents out of the data of a run, and has what it learnt of them trained again without them.
 * @param wanted - names or hashes of documents
 * @throws BerthError `RUN_NOT_FOUND`; `DATA_DOCUMENT_NOT_FOUND`; `DATA_MISMATCH` for a dataset of an earlier format;
 * `RUN_STATE_CONFLICT` when its state does not allow it
 */
export async function forgetInRun(
  { redisUrl, s3 }: Services,
  run: string,
  wanted: ReadonlySet<string>,
  options: ForgetOptions,
): Promise<ForgetReport> {
  const { logger, isDryRun, isAtRest, say } = options;
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const stores: RunStores = { connection, store, logger };
    const runs = createRuns(connection);
    const all = await runs.list();
    const runIds = all.map((known) => known.runId);
    const runId = chooseRun(runIds, run);
    const record = all.find((one) => one.runId === runId);
    if (record === undefined) throw noSuchRun(runIds, run);
    const { manifestKey } = record;
    if (manifestKey === null)
      throw conflict(record, 'its data is not prepared yet: take the documents out of the files');
    const manifest = await readAnyDataset(store, manifestKey);
    if (isLabelled(manifest))
      throw conflict(record, 'it is fine-tuned on rows: take them out of the file, and tune anew');
    say('looking for the documents');
    const found = await findDocuments(store, manifest, wanted);
    const known = new Set(manifest.forgotten?.tombstones);
    const documents = found.filter(({ hash }) => !known.has(hash));
    if (documents.length === 0)
      throw conflict(record, 'its data is without these documents already');
    const hashes = documents.map(({ hash }) => hash);
    const steps = await committedSteps(stores, record);
    say('looking for the first step that used one');
    const firstUse = await firstUsedStep(
      {
        connection,
        store,
        manifest,
        manifestKey,
        steps,
        documents: await createForgetting(store, manifest, hashes),
        onShard: (epoch, shard) => say(`looking through shard ${shard} of epoch ${epoch}`),
      },
      record,
    );
    const { datasetId } = forgottenDatasetId(manifest, hashes);
    const snapshot: ControlSnapshot = {
      numCommitted: steps.numCommitted,
      checkpointSteps: await completeSteps(store, record),
      unsavedMs: 0,
    };
    const decide = (nowMs: number, now: RunRecord, madeKey: string) =>
      decideForget(
        nowMs,
        isAtRest ? asResting(now) : now,
        snapshot,
        forgettingOf(now, { before: manifestKey, madeKey, datasetId, firstUse, hashes }),
      );
    const planned = decide(Date.now(), record, manifestKey);
    if (planned.kind === 'refuse') throw conflict(record, planned.reason);
    if (!isDryRun) {
      say('writing the dataset without them');
      const madeKey = await forgetDocuments(store, manifestKey, hashes);
      await runs.change(runId, (now) => {
        const nowMs = Date.now();
        const decision = decide(nowMs, now, madeKey);
        if (decision.kind === 'refuse') throw conflict(now, decision.reason);
        if (decision.kind === 'same') return undefined;
        return { ...decision.change, updatedAtMs: nowMs };
      });
    }
    const toStep = firstUse === null ? null : stepBefore(firstUse, record, snapshot);
    return {
      runId,
      isDone: !isDryRun,
      documents,
      datasetIdBefore: manifest.datasetId,
      datasetId,
      firstUse,
      toStep,
      numStepsToRepeat: toStep === null ? 0 : restsAt(record, snapshot) - toStep,
      reason: planned.reason,
      otherRuns: all
        .filter((other) => other.runId !== runId && other.manifestKey === manifestKey)
        .map((other) => other.runId),
    };
  } finally {
    connection.close();
    store.close();
  }
}

/** A run that nobody works on, as its cluster has ended, rests. */
function asResting(record: RunRecord): RunRecord {
  return isFinal(record.status) ? record : { ...record, status: 'paused' };
}

function forgettingOf(
  { config, exampleFormat }: RunRecord,
  {
    before,
    madeKey,
    datasetId,
    firstUse,
    hashes,
  }: {
    readonly before: string;
    readonly madeKey: string;
    readonly datasetId: string;
    readonly firstUse: number | null;
    readonly hashes: readonly string[];
  },
): Forgetting {
  return {
    before,
    manifestKey: madeKey,
    exampleSetIds: phasesOf(config).map(({ examples }) =>
      exampleSetIdOf(datasetId, examples, config.seed, exampleFormat),
    ),
    numDocuments: hashes.length,
    firstUse,
  };
}

function conflict({ runId, status }: RunRecord, reason: string): BerthError {
  return new BerthError('RUN_STATE_CONFLICT', refusalText('change', runId, reason), {
    details: { runId, status },
  });
}
