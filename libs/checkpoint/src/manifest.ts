import {
  checkpointManifestSchema,
  readKnown,
  sha256Hex,
  type CheckpointManifest,
  type ObjectInfo,
  type ObjectStore,
} from '@berth/contracts';
import { attemptAt, isBranch, isOnLine, type Attempts } from './attempts.ts';
import { attemptsPrefix, isInsideRun, placeOfKey } from './keys.ts';
import { oldCheckpointsPrefix, oldManifestOfKey } from './old-layout.ts';
import { corrupt } from './stored-part.ts';

/** A checkpoint whose manifest exists; whether its parts do is known once it is loaded. */
export interface ListedCheckpoint {
  readonly step: number;
  readonly attempt: number;
  /** Of the line that wrote the manifest; 0 in the old layout. */
  readonly fencingEpoch: number;
  readonly manifestKey: string;
  readonly savedAtMs: number;
}

/**
 * The checkpoints that a run can go on from, oldest first. A step may be there several times, as each line writes its own
 * manifest: what they say is the same, and any that verifies will do.
 * @param attempts - as the run's record has them
 */
export async function listCheckpoints(
  store: ObjectStore,
  runId: string,
  attempts: Attempts = [],
): Promise<ListedCheckpoint[]> {
  const [objects, oldObjects] = await Promise.all([
    store.list(attemptsPrefix(runId)),
    store.list(oldCheckpointsPrefix(runId)),
  ]);
  const listed = manifestsAmong([...objects, ...oldObjects], runId, attempts);
  return listed.filter((checkpoint) => isOnLine(attempts, checkpoint));
}

/** Whether a checkpoint that somebody has noted has been left behind by a later attempt. */
export function isLeftBehind(
  runId: string,
  attempts: Attempts,
  { step, manifestKey, savedAtMs }: Pick<ListedCheckpoint, 'step' | 'manifestKey' | 'savedAtMs'>,
): boolean {
  const attempt = placeOfKey(runId, manifestKey)?.attempt ?? attemptAt(attempts, savedAtMs);
  return isBranch(attempts, { attempt, step });
}

/** The manifests among some objects of a run, of all attempts and in both layouts, by step. */
export function manifestsAmong(
  objects: readonly ObjectInfo[],
  runId: string,
  attempts: Attempts,
): ListedCheckpoint[] {
  const listed = objects.flatMap(({ key, lastModifiedMs }): ListedCheckpoint[] => {
    const told = { manifestKey: key, savedAtMs: lastModifiedMs };
    const place = placeOfKey(runId, key);
    if (place?.isManifest === true) {
      const { step, attempt, fencingEpoch } = place;
      return [{ step, attempt, fencingEpoch, ...told }];
    }
    const old = oldManifestOfKey(runId, key);
    if (old === undefined) return [];
    const attempt = old.attempt ?? attemptAt(attempts, lastModifiedMs);
    return [{ step: old.step, attempt, fencingEpoch: 0, ...told }];
  });
  return listed.sort(
    (a, b) => a.step - b.step || a.attempt - b.attempt || a.fencingEpoch - b.fencingEpoch,
  );
}

/** @throws BerthError `CHECKPOINT_CORRUPT` when it is not a manifest of that key, and what the store throws */
export async function readManifest(store: ObjectStore, key: string): Promise<CheckpointManifest> {
  const bytes = await store.get(key);
  const reading = readKnown(checkpointManifestSchema, contentOf(store, key, bytes));
  if (!reading.ok)
    throw corrupt(store, key, `it is not a checkpoint manifest (${reading.problem})`);
  const manifest = reading.value;
  const { runId, step } = manifest;
  const place = placeOfKey(runId, key) ?? oldManifestOfKey(runId, key);
  if (place?.step !== step)
    throw corrupt(store, key, `it is the manifest of step ${step} of ${runId}`);
  const foreign = [...manifest.shards, ...manifest.ledger].find(
    (part) => !isInsideRun(runId, part.key),
  );
  if (foreign === undefined) return manifest;
  throw corrupt(store, key, `it names ${foreign.key}, which is not of run ${runId}`);
}

/** What is stored of a manifest: its text with the digest of that, so that no other text is one. */
export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  const content = { ...manifest, format: 'berth-checkpoint/2' };
  return Buffer.from(textOf({ ...content, sha256: sha256Hex(textOf(content)) }));
}

/** What a manifest says, unless its digest is of something else. @throws BerthError `CHECKPOINT_CORRUPT` */
function contentOf(store: ObjectStore, key: string, bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(store, key, `it is not a checkpoint manifest (${String(error)})`, error);
  }
  if (typeof value !== 'object' || value === null || !('format' in value)) return value;
  const { sha256, ...content } = value as Record<string, unknown>;
  if (value.format === 'berth-checkpoint/1' && sha256 === undefined) return value;
  if (textOf(value) !== text || sha256Hex(textOf(content)) !== sha256)
    throw corrupt(store, key, 'its SHA-256 is not the one in it');
  return content;
}

function textOf(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
