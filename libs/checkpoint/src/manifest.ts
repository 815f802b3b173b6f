import {
  checkpointManifestSchema,
  type CheckpointManifest,
  type ObjectStore,
} from '@berth/contracts';
import { abandonedOfKey, checkpointsPrefix, manifestKey, stepOfKey } from './keys.ts';
import { corrupt } from './stored-part.ts';

/** A checkpoint whose manifest exists; whether its parts do is known once it is loaded. */
export interface ListedCheckpoint {
  readonly step: number;
  readonly manifestKey: string;
  readonly savedAtMs: number;
}

/** The checkpoints of a run, oldest first. */
export async function listCheckpoints(
  store: ObjectStore,
  runId: string,
): Promise<ListedCheckpoint[]> {
  const objects = await store.list(checkpointsPrefix(runId));
  return objects.flatMap(({ key, lastModifiedMs }) => {
    const step = stepOfKey(runId, key);
    if (step === undefined || key !== manifestKey(runId, step)) return [];
    return [{ step, manifestKey: key, savedAtMs: lastModifiedMs }];
  });
}

/** @throws BerthError `CHECKPOINT_CORRUPT` when it is not a manifest of that key, and what the store throws */
export async function readManifest(store: ObjectStore, key: string): Promise<CheckpointManifest> {
  const bytes = await store.get(key);
  let manifest: CheckpointManifest;
  try {
    manifest = checkpointManifestSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw corrupt(store, key, 'it is not a checkpoint manifest', error);
  }
  const { runId, step } = manifest;
  const isOwn = manifestKey(runId, step) === key || abandonedOfKey(runId, key)?.step === step;
  if (isOwn) return manifest;
  throw corrupt(store, key, `it is the manifest of step ${step} of ${runId}`);
}
