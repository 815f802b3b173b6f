import {
  BerthError,
  type CheckpointManifest,
  type CheckpointShard,
  type LedgerEntry,
  type LedgerSegment,
  type Logger,
  type ObjectStore,
} from '@berth/contracts';
import { manifestKey as manifestKeyOf, shardKey, type Line } from './keys.ts';
import { stepsPerSegment, uploadLedgerSegment } from './ledger-segment.ts';
import { readManifest } from './manifest.ts';
import { maxHeaderBytes } from './safetensors.ts';
import { storedLedger } from './stored-ledger.ts';
import { readPart } from './stored-part.ts';
import { writeManifest } from './write.ts';

/** The run that a copy is for. */
export interface CopyTarget {
  readonly runId: string;
  readonly trainingHash: string;
}

/** How far a copy has come. */
export interface CopyProgress {
  readonly numPartsToGo: number;
  readonly isDone: boolean;
}

/**
 * Copies a checkpoint to another run, with its ledger, as the first of that: every part is verified, the manifest comes last. Goes
 * as far as it gets by a deadline; asked again, it goes on.
 *
 * The entries of the copied ledger say that they are of epoch and view 1, as the new run's own begin there; what is chained, the
 * steps with their examples and gradients, stays, and so does the head.
 * @throws BerthError `CHECKPOINT_CORRUPT` when a part is damaged, `CHECKPOINT_EXISTS` when the other run has another state of that
 * step, and what the store throws
 */
export async function copyCheckpoint(
  store: ObjectStore,
  manifestKey: string,
  { runId, trainingHash }: CopyTarget,
  { deadlineMs, logger }: { readonly deadlineMs: number; readonly logger: Logger },
): Promise<CopyProgress> {
  const manifest = await readManifest(store, manifestKey);
  const line: Line = { runId, attempt: 1, fencingEpoch: 1 };
  const shards: CheckpointShard[] = [];
  for (const shard of manifest.shards) {
    const isLate = shards.length > 0 && performance.now() >= deadlineMs;
    if (isLate) return { numPartsToGo: manifest.shards.length - shards.length, isDone: false };
    shards.push(await copyShard(store, shard, shardKey(line, manifest.step, shard)));
  }
  const copied: CheckpointManifest = {
    ...manifest,
    runId,
    trainingHash,
    fencingEpoch: line.fencingEpoch,
    shards,
    ledger: await copyLedger(store, manifest, line),
    createdAtMs: Date.now(),
  };
  await writeManifest(store, line.attempt, copied, logger);
  const written = await readManifest(store, manifestKeyOf(line, manifest.step));
  if (written.trainingHash === trainingHash) return { numPartsToGo: 0, isDone: true };
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `There is a checkpoint of a run "${runId}" with other settings in ${store.describe()}: choose another name`,
    { details: { runId } },
  );
}

async function copyShard(
  store: ObjectStore,
  shard: CheckpointShard,
  key: string,
): Promise<CheckpointShard> {
  const there = await store.head(key);
  if (there?.sizeBytes !== shard.sizeBytes) {
    const maxBytes = shard.sizeBytes + maxHeaderBytes(shard.tensors.length);
    await store.put(key, await readPart(store, shard, { maxBytes }));
  }
  return { ...shard, key };
}

async function copyLedger(
  store: ObjectStore,
  manifest: CheckpointManifest,
  line: Line,
): Promise<LedgerSegment[]> {
  const segments: LedgerSegment[] = [];
  let waiting: LedgerEntry[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    segments.push(await uploadLedgerSegment(store, line, manifest.step, waiting));
    waiting = [];
  };
  for await (const page of storedLedger(store, manifest).entries(0))
    for (const entry of page) {
      waiting.push({ ...entry, fencingEpoch: line.fencingEpoch, viewVersion: 1 });
      if (waiting.length === stepsPerSegment) await flush();
    }
  await flush();
  return segments;
}
