import { checkpointAsModel, type CheckpointModel } from '@berth/checkpoint';
import type { ObjectStore } from '@berth/contracts';
import { sourceOf, type ModelSource } from '../model-source.ts';

/** A checkpoint of a run, opened as a model: its weights are verified as they are read. */
export type CheckpointSource = ModelSource & Pick<CheckpointModel, 'manifest' | 'dataset'>;

/**
 * Opens a checkpoint of the bucket, with the vocabulary of its run; nothing else is asked.
 * @throws BerthError `CHECKPOINT_CORRUPT` when it or its dataset is damaged, and what the store throws
 */
export async function openCheckpoint(
  store: ObjectStore,
  manifestKey: string,
): Promise<CheckpointSource> {
  const checkpoint = await checkpointAsModel(store, manifestKey);
  const { manifest, dataset } = checkpoint;
  return { ...sourceOf(checkpoint), manifest, dataset };
}
