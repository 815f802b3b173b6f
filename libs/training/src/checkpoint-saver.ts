import { setTimeout as sleep } from 'node:timers/promises';
import {
  applyRetention,
  assignShards,
  findNewestManifest,
  findNewestValid,
  loadCheckpoint,
  manifestKey,
  planShards,
  uploadLedgerSegment,
  uploadShards,
  weightsDigest,
  writeManifest,
  type PlannedShard,
} from '@berth/checkpoint';
import {
  BerthError,
  checkpointShardSchema,
  errorToWire,
  genesisHead,
  toBerthError,
  type CheckpointManifest,
  type CheckpointShard,
  type Cursor,
  type LedgerSegment,
  type Logger,
  type ModelConfig,
  type Numerics,
  type ObjectStore,
  type ParameterSpec,
  type RunRecord,
  type TrainingState,
  type View,
} from '@berth/contracts';
import type { LedgerPort, RendezvousPort } from './ports.ts';
import { gather } from './gather.ts';

export interface SavedCheckpoint {
  readonly step: number;
  readonly manifestKey: string;
  /** From the first upload to the manifest. */
  readonly durationMs: number;
}

export interface CheckpointSaverOptions {
  readonly store: ObjectStore;
  readonly ledger: LedgerPort;
  readonly rendezvous: RendezvousPort;
  readonly layout: readonly ParameterSpec[];
  readonly memberId: string;
  readonly record: RunRecord;
  readonly model: ModelConfig;
  readonly datasetId: string;
  readonly exampleSetId: string;
  readonly numerics: Numerics;
  /** Told by the leader once the manifest is written. */
  readonly onSaved: (saved: SavedCheckpoint) => Promise<void>;
  /** The run as it is now; undefined while that is not known. */
  readonly currentRecord: () => Promise<RunRecord | undefined>;
  /** Told by the leader once retention has deleted a checkpoint. */
  readonly onDeleted: (step: number) => Promise<void>;
  readonly logger: Logger;
}

/** One member's part in checkpoints: its shards, and if it leads the view, the manifest. */
export interface CheckpointSaver {
  /**
   * Saves a state while training goes on. One at a time: a state that still waits gives way to a newer one, so that an
   * outage of the store costs checkpoints, not steps, and two states of memory at most.
   */
  save(view: View, state: TrainingState, cursor: Cursor): void;
  /** Waits until the newest state is saved. @throws what made that fail */
  settled(): Promise<void>;
  /** Step of the newest checkpoint, not beyond `maxStep`, of which every part verifies. */
  newestStep(maxStep: number): Promise<number | undefined>;
  load(step: number): Promise<TrainingState>;
}

const shardBytes = 64 << 20;
/** The least time that a leader with its own part done waits for the others; it can do their parts itself. */
const minPatienceMs = 5_000;
const postTimeoutMs = 60_000;
const postAgainMs = 200;

export function createCheckpointSaver(options: CheckpointSaverOptions): CheckpointSaver {
  const { store, layout, record, logger } = options;
  const { runId } = record;
  const shards = planShards(layout, shardBytes);
  let waiting: Snapshot | undefined;
  let inProgress: Snapshot | undefined;
  let working: Promise<void> | undefined;
  let failure: Error | undefined;

  const work = async (): Promise<void> => {
    while (waiting !== undefined) {
      inProgress = waiting;
      waiting = undefined;
      const { step } = inProgress.state;
      try {
        failure = undefined;
        await saveOne(options, shards, inProgress);
      } catch (error) {
        failure = toBerthError(error);
        logger.warn('A checkpoint failed', { step, error: errorToWire(error) });
      }
    }
    inProgress = undefined;
    working = undefined;
  };

  return {
    save(view, state, cursor) {
      if (waiting !== undefined) skip(options, waiting);
      // A member that the view lost will never upload its part of an older view's save.
      if (inProgress !== undefined && inProgress.view.version !== view.version)
        inProgress.superseded.abort();
      waiting = { view, state, cursor, superseded: new AbortController() };
      working ??= work();
    },
    async settled() {
      await working;
      if (failure !== undefined) throw failure;
    },
    async newestStep(maxStep) {
      const found = await findNewestValid(store, runId, { layout, maxStep, logger });
      if (found === undefined) return undefined;
      if (found.manifest.trainingHash !== record.trainingHash)
        throw new BerthError(
          'CHECKPOINT_MISMATCH',
          `Checkpoint ${found.manifest.step} of run "${runId}" was made with another config; ` +
            'restore the config, or choose another name',
        );
      return found.manifest.step;
    },
    async load(step) {
      return (await loadCheckpoint(store, manifestKey(runId, step), layout)).state;
    },
  };
}

/** A state on its way to the store. */
interface Snapshot {
  readonly view: View;
  readonly state: TrainingState;
  readonly cursor: Cursor;
  /** Aborts when a newer view saves. */
  readonly superseded: AbortController;
}

/** Leaves our part of a save to the leader, should it not skip the step too. */
function skip(
  { rendezvous, memberId, logger }: CheckpointSaverOptions,
  { view, state }: Snapshot,
): void {
  const { step } = state;
  logger.warn('Skipped a checkpoint: the one before is still being saved', { step });
  rendezvous
    .post(topicOf(view, step), memberId, '[]')
    .catch((error: unknown) => logger.debug('Nobody told', { error: errorToWire(error) }));
}

function topicOf(view: View, step: number): string {
  return `checkpoint-${view.fencingEpoch}-${view.version}-${step}`;
}

async function saveOne(
  options: CheckpointSaverOptions,
  planned: readonly PlannedShard[],
  { view, state, cursor, superseded }: Snapshot,
): Promise<void> {
  const { store, rendezvous, memberId, record, onSaved, logger } = options;
  const { runId } = record;
  const topic = topicOf(view, state.step);
  const members = view.members.map((member) => member.memberId);
  const upload = (indexes: readonly number[]): Promise<CheckpointShard[]> =>
    uploadShards(
      store,
      runId,
      indexes.map((index) => shardAt(planned, index)),
      state,
    );

  const own = assignShards(planned.length, members.indexOf(memberId), members.length);
  const startMs = performance.now();
  const uploading = upload(own);
  const uploaded = await uploading.catch(() => []);
  await postAtLast(rendezvous, topic, memberId, JSON.stringify(uploaded));
  await uploading;
  if (members[0] !== memberId) return;

  const parts = new Map<string, CheckpointShard>();
  const { signal } = superseded;
  const timeoutMs = Math.max(minPatienceMs, performance.now() - startMs);
  const patience = { timeoutMs, signal };
  const words = await gather(rendezvous, topic, members, patience).catch(() =>
    rendezvous.read(topic),
  );
  for (const word of words.values())
    for (const part of checkpointShardSchema.array().parse(JSON.parse(word)))
      parts.set(`${part.kind}-${part.index}`, part);
  // What a lost member did not upload, the leader has too: all members hold the same state.
  const missing = planned.flatMap(({ kind, index }, position) =>
    parts.has(`${kind}-${index}`) ? [] : [position],
  );
  for (const part of await upload(missing)) parts.set(`${part.kind}-${part.index}`, part);

  const manifest: CheckpointManifest = {
    format: 'berth-checkpoint/1',
    runId,
    step: state.step,
    cursor,
    seed: record.config.seed,
    trainingHash: record.trainingHash,
    datasetId: options.datasetId,
    exampleSetId: options.exampleSetId,
    numerics: options.numerics,
    fencingEpoch: view.fencingEpoch,
    ...(await ledgerUpTo(options, state.step)),
    weightsDigest: await weightsDigest(state.weights),
    model: { ...options.model },
    shards: planned.map(({ kind, index }) => {
      const part = parts.get(`${kind}-${index}`);
      if (part === undefined) throw new BerthError('INTERNAL', `No shard ${kind}-${index}`);
      return part;
    }),
    createdAtMs: Date.now(),
  };
  await currentAttempt(options);
  await writeManifest(store, manifest, logger);
  const { step } = state;
  const durationMs = Math.round(performance.now() - startMs);
  await onSaved({ step, manifestKey: manifestKey(runId, step), durationMs });
  logger.info('Saved a checkpoint', { step, durationMs, weightsDigest: manifest.weightsDigest });
  await retain(options, state.step).catch((error: unknown) =>
    logger.warn('Old checkpoints were not deleted', { error: errorToWire(error) }),
  );
}

/**
 * The run's record, while its attempt is ours: a later one may have cut off what we would save.
 * @throws BerthError `WORKER_FENCED` when another attempt has begun
 */
async function currentAttempt({
  record,
  currentRecord,
}: CheckpointSaverOptions): Promise<RunRecord | undefined> {
  const now = await currentRecord();
  const [ours, current] = [record, now].map((known) => known?.attempts.at(-1)?.attempt);
  if (now === undefined || ours === current) return now;
  throw new BerthError(
    'WORKER_FENCED',
    `Attempt ${current} of run "${record.runId}" has begun; attempt ${ours} saves nothing more`,
  );
}

/** Posts a word, also over a short outage of Redis. */
async function postAtLast(
  rendezvous: RendezvousPort,
  topic: string,
  memberId: string,
  word: string,
): Promise<void> {
  const deadlineMs = performance.now() + postTimeoutMs;
  for (;;)
    try {
      return await rendezvous.post(topic, memberId, word);
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(postAgainMs);
    }
}

/** Deletes what the policy no longer keeps. The checkpoint just written counts as verified: the store checked every part. */
async function retain(options: CheckpointSaverOptions, newestVerifiedStep: number): Promise<void> {
  const { store, record, logger, onDeleted } = options;
  const now = await currentAttempt(options);
  // Unknown is what people asked to keep: nothing is deleted meanwhile.
  if (now === undefined) return;
  const policy = { ...record.config.train, keptSteps: now.keptSteps };
  const decision = await applyRetention(store, record.runId, policy, {
    newestVerifiedStep,
    logger,
  });
  for (const step of decision.delete) await onDeleted(step);
}

/** The ledger's head at a step, and its entries in segments: those of the newest checkpoint before, and one more. */
async function ledgerUpTo(
  { store, ledger, record, logger }: CheckpointSaverOptions,
  step: number,
): Promise<Pick<CheckpointManifest, 'ledgerHead' | 'ledger'>> {
  if (step === 0) return { ledgerHead: genesisHead, ledger: [] };
  const before = await findNewestManifest(store, record.runId, { maxStep: step - 1, logger });
  const segments: LedgerSegment[] = [...(before?.manifest.ledger ?? [])];
  const entries = await ledger.entries(before?.manifest.step ?? 0, step);
  const last = entries.at(-1);
  if (last?.step !== step - 1)
    throw new BerthError('LEDGER_BEHIND', `The ledger ends before step ${step}`);
  segments.push(await uploadLedgerSegment(store, record.runId, entries));
  return { ledgerHead: last.head, ledger: segments };
}

function shardAt(planned: readonly PlannedShard[], index: number): PlannedShard {
  const shard = planned[index];
  if (shard === undefined) throw new BerthError('INTERNAL', `No planned shard ${index}`);
  return shard;
}
