import { setTimeout as sleep } from 'node:timers/promises';
import {
  assignShards,
  manifestKey,
  shardKey,
  stateDigestInTurns,
  uploadShards,
  weightsDigest,
  writeManifest,
  type PlannedShard,
} from '@berth/checkpoint';
import {
  BerthError,
  checkpointShardSchema,
  errorToWire,
  type CheckpointManifest,
  type CheckpointShard,
  type Cursor,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { gather } from '../gather.ts';
import type { RendezvousPort } from '../ports.ts';
import { agreeOn, digestKeyOf } from './agreement.ts';
import { attemptOf, currentAttempt } from './attempt-fence.ts';
import { ledgerUpTo } from './ledger-up-to.ts';
import { retain } from './retain.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/** The least time that a leader with its own part done waits for the others; it can do their parts itself. */
const minPatienceMs = 5_000;
const postTimeoutMs = 60_000;
const postAgainMs = 200;

/** A state on its way to the store. */
export interface Snapshot {
  readonly view: View;
  readonly state: TrainingState;
  readonly cursor: Cursor;
  /** Aborts when a newer view saves. */
  readonly superseded: AbortController;
}

/** Under which members tell of their parts of a save. */
export function keyOf(view: View, step: number): string {
  return `checkpoint-${view.fencingEpoch}-${view.version}-${step}`;
}

/** How long a save may go on. */
export interface SaveSignals {
  /** Aborts when the session ends: nothing is uploaded after that. */
  readonly saving: AbortSignal;
  /** Aborts somewhat later: what has been deleted by half is better deleted whole. */
  readonly deleting: AbortSignal;
}

/**
 * Uploads a member's part of a state and, if it leads the view, writes the manifest.
 * @throws BerthError `STATE_DIVERGED` when a member holds another state, and what the store and Redis throw
 */
export async function saveSnapshot(
  options: CheckpointSaverOptions,
  planned: readonly PlannedShard[],
  { view, state, cursor, superseded }: Snapshot,
  { saving, deleting }: SaveSignals,
): Promise<void> {
  const { store, rendezvous, memberId, record, onSaved, logger } = options;
  const { runId } = record;
  const { fencingEpoch } = view;
  const line = { runId, attempt: attemptOf(record), fencingEpoch };
  const key = keyOf(view, state.step);
  const members = view.members.map((member) => member.memberId);
  const upload = (indexes: readonly number[]): Promise<CheckpointShard[]> =>
    uploadShards(
      store,
      line,
      indexes.map((index) => shardAt(planned, index)),
      state,
      { signal: saving },
    );

  const own = assignShards(planned.length, members.indexOf(memberId), members.length);
  const startMs = performance.now();
  const uploading = upload(own);
  const uploaded = uploading.catch(() => []);
  const digest = await stateDigestInTurns(state);
  await postAtLast(rendezvous, digestKeyOf(view, state.step), memberId, digest, saving);
  await postAtLast(rendezvous, key, memberId, JSON.stringify(await uploaded), saving);
  await uploading;
  if (members[0] !== memberId) return;

  const parts = new Map<string, CheckpointShard>();
  const signal = AbortSignal.any([superseded.signal, saving]);
  const timeoutMs = Math.max(minPatienceMs, performance.now() - startMs);
  const patience = { timeoutMs, signal };
  const [agreeing, values] = await Promise.all([
    agreeOn({ rendezvous, view, step: state.step, digest }, patience),
    gather(rendezvous, key, members, patience).catch(() => rendezvous.read(key)),
  ]);
  for (const member of agreeing)
    for (const part of checkpointShardSchema.array().parse(JSON.parse(values.get(member) ?? '[]')))
      // A member that has not heard of our attempt yet stored it where others may delete it.
      if (part.key === shardKey(line, state.step, part))
        parts.set(`${part.kind}-${part.index}`, part);
  // What a lost member did not upload, or uploaded of a state nobody has compared, the leader has too.
  const missing = planned.flatMap(({ kind, index }, position) =>
    parts.has(`${kind}-${index}`) ? [] : [position],
  );
  for (const part of await upload(missing)) parts.set(`${part.kind}-${part.index}`, part);

  const manifest: CheckpointManifest = {
    format: 'berth-checkpoint/2',
    runId,
    step: state.step,
    cursor,
    seed: record.config.seed,
    trainingHash: record.trainingHash,
    datasetId: options.datasetId,
    exampleSetId: options.exampleSetId,
    numerics: options.numerics,
    fencingEpoch,
    ...(await ledgerUpTo(options, line, state.step)),
    weightsDigest: await weightsDigest(state.weights),
    stateDigest: digest,
    model: { ...options.model },
    shards: planned.map(({ kind, index }) => {
      const part = parts.get(`${kind}-${index}`);
      if (part === undefined) throw new BerthError('INTERNAL', `No shard ${kind}-${index}`);
      return part;
    }),
    createdAtMs: Date.now(),
  };
  await currentAttempt(options);
  await writeManifest(store, line.attempt, manifest, logger, saving);
  const { step } = state;
  const durationMs = Math.round(performance.now() - startMs);
  await onSaved({ step, manifestKey: manifestKey(line, step), durationMs });
  logger.info('Saved a checkpoint', { step, durationMs, weightsDigest: manifest.weightsDigest });
  await retain(options, state.step, deleting).catch((error: unknown) =>
    logger.warn('Old checkpoints were not deleted', { error: errorToWire(error) }),
  );
}

/** Posts a value, also over a short outage of Redis. */
async function postAtLast(
  rendezvous: RendezvousPort,
  key: string,
  memberId: string,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + postTimeoutMs;
  for (;;)
    try {
      signal.throwIfAborted();
      return await rendezvous.post(key, memberId, value);
    } catch (error) {
      if (signal.aborted || performance.now() > deadlineMs) throw error;
      await sleep(postAgainMs);
    }
}

function shardAt(planned: readonly PlannedShard[], index: number): PlannedShard {
  const shard = planned[index];
  if (shard === undefined) throw new BerthError('INTERNAL', `No planned shard ${index}`);
  return shard;
}
