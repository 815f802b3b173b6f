import {
  manifestKey,
  uploadShards,
  weightsDigest,
  writeManifest,
  type Line,
  type PlannedShard,
} from '@berth/checkpoint';
import {
  BerthError,
  errorToWire,
  type CheckpointManifest,
  type CheckpointShard,
  type Cursor,
  type TrainingState,
} from '@berth/contracts';
import { currentAttempt } from './attempt-fence.ts';
import { ledgerUpTo } from './ledger-up-to.ts';
import { retain } from './retain.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/** How long a save may go on. */
export interface SaveSignals {
  /** Aborts when the session ends: nothing is uploaded after that. */
  readonly saving: AbortSignal;
  /** Aborts somewhat later: what has been deleted by half is better deleted whole. */
  readonly deleting: AbortSignal;
}

/** A state that may be saved: most members of its view had it. */
export interface AgreedState {
  readonly line: Line;
  readonly state: TrainingState;
  readonly cursor: Cursor;
  readonly stateDigest: string;
  readonly stallMs: number;
  /** When its save began, as `performance.now` tells it. */
  readonly startMs: number;
}

/**
 * Uploads the parts that nobody has uploaded, writes the manifest, and deletes what is no longer kept.
 * @param parts - stored ones
 * @throws what the store and Redis throw
 */
export async function completeSave(
  options: CheckpointSaverOptions,
  planned: readonly PlannedShard[],
  { line, state, cursor, stateDigest, stallMs, startMs }: AgreedState,
  parts: readonly CheckpointShard[],
  { saving, deleting }: SaveSignals,
): Promise<void> {
  const { store, record, onSaved, logger } = options;
  const { step } = state;
  const stored = new Map(parts.map((part) => [nameOf(part), part]));
  const missing = planned.filter((shard) => !stored.has(nameOf(shard)));
  const uploaded = await uploadShards(store, line, missing, state, { signal: saving });
  for (const part of uploaded) stored.set(nameOf(part), part);
  const { ledger, ledgerHead } = await ledgerUpTo(options, line, step);
  const durationMs = (): number => Math.round(performance.now() - startMs);
  const manifest: CheckpointManifest = {
    format: 'berth-checkpoint/2',
    runId: record.runId,
    step,
    cursor,
    seed: record.config.seed,
    trainingHash: record.trainingHash,
    datasetId: options.datasetId,
    exampleSetId: options.exampleSetId,
    numerics: options.numerics,
    fencingEpoch: line.fencingEpoch,
    ledgerHead,
    ledger,
    weightsDigest: await weightsDigest(state.weights),
    stateDigest,
    model: { ...options.model },
    shards: planned.map((shard) => {
      const part = stored.get(nameOf(shard));
      if (part === undefined) throw new BerthError('INTERNAL', `No shard ${nameOf(shard)}`);
      return part;
    }),
    createdAtMs: Date.now(),
    saving: { durationMs: durationMs(), stallMs },
  };
  await currentAttempt(options);
  await writeManifest(store, line.attempt, manifest, logger, saving);
  const saved = { step, manifestKey: manifestKey(line, step), durationMs: durationMs(), stallMs };
  await onSaved(saved);
  const { weightsDigest: digest } = manifest;
  logger.info('Saved a checkpoint', {
    step,
    durationMs: saved.durationMs,
    stallMs,
    weightsDigest: digest,
  });
  await retain(options, step, deleting).catch((error: unknown) =>
    logger.warn('Old checkpoints were not deleted', { error: errorToWire(error) }),
  );
}

function nameOf({ kind, index }: Pick<PlannedShard, 'kind' | 'index'>): string {
  return `${kind}-${index}`;
}
