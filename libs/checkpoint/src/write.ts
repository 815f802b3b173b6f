import {
  BerthError,
  type CheckpointManifest,
  type CheckpointShard,
  type Logger,
  type ObjectStore,
  type ParameterSpec,
  type TrainingState,
} from '@berth/contracts';
import { sha256InTurns } from './digest.ts';
import { manifestKey, shardKey, type Line } from './keys.ts';
import { momentNames, type PlannedShard } from './plan.ts';
import { encodeManifest, readManifest } from './manifest.ts';
import { sizeOf } from './object-body.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { isDamage } from './stored-part.ts';
import { floatTensor, safetensorsPieces, type SafeTensor } from './safetensors.ts';

/** The file of a planned shard, in pieces of the state: a pure function of it, to the byte. */
export function encodeShard(shard: PlannedShard, state: TrainingState): Uint8Array[] {
  return safetensorsPieces(shardTensors(shard, state));
}

function shardTensors({ kind, parameters }: PlannedShard, state: TrainingState): SafeTensor[] {
  const tensorOf = (name: string, parameter: ParameterSpec, values: Float32Array): SafeTensor => {
    const { shape, offset, size } = parameter;
    return floatTensor(name, shape, values.subarray(offset, offset + size));
  };
  return parameters.flatMap((parameter) => {
    if (kind === 'weights') return [tensorOf(parameter.name, parameter, state.weights)];
    const [first, second] = momentNames(parameter.name);
    return [
      tensorOf(first, parameter, state.firstMoments),
      tensorOf(second, parameter, state.secondMoments),
    ];
  });
}

const numParallelShards = 2;

/** Stores some shards of a state, a few at a time. */
export function uploadShards(
  store: ObjectStore,
  line: Line,
  shards: readonly PlannedShard[],
  state: TrainingState,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckpointShard[]> {
  return mapConcurrently(
    shards,
    numParallelShards,
    (shard, signal) => uploadShard(store, line, shard, state, { signal }),
    options.signal,
  );
}

/** Stores one shard. Writing it again, by anyone, writes the same bytes under the same key. */
export async function uploadShard(
  store: ObjectStore,
  line: Line,
  shard: PlannedShard,
  state: TrainingState,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckpointShard> {
  const body = encodeShard(shard, state);
  const facts = { kind: shard.kind, index: shard.index, sha256: await sha256InTurns(body) };
  const key = shardKey(line, state.step, facts);
  await store.put(key, body, { ...options, sha256: facts.sha256 });
  const tensors = shardTensors(shard, state).map(({ name }) => name);
  return { ...facts, key, sizeBytes: sizeOf(body), tensors };
}

/**
 * Makes a checkpoint visible: call it last, once every part it names is stored. The first writer of a line wins.
 * @returns `'exists'` when the line has an equal checkpoint of this step already, as after a replay in another view
 * @throws BerthError `CHECKPOINT_EXISTS` when the one there holds another state, and what the store throws
 */
export async function writeManifest(
  store: ObjectStore,
  attempt: number,
  manifest: CheckpointManifest,
  logger: Logger,
  signal?: AbortSignal,
): Promise<'written' | 'exists'> {
  const { runId, fencingEpoch, step } = manifest;
  const key = manifestKey({ runId, attempt, fencingEpoch }, step);
  const bytes = encodeManifest(manifest);
  const put = { contentType: 'application/json', ...(signal && { signal }) };
  // A service that ignores the condition would replace what is there.
  const isThere = (await store.head(key)) !== undefined;
  if (!isThere && (await store.put(key, bytes, { ifAbsent: true, ...put })) === 'written')
    return 'written';

  const existing = await readManifest(store, key).catch((error: unknown) => {
    if (!isDamage(error)) throw error;
    logger.warn('replacing a damaged checkpoint manifest', { key, reason: error.message });
    return undefined;
  });
  if (existing === undefined) return store.put(key, bytes, put);
  if (contentOf(existing) === contentOf(manifest)) return 'exists';
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `Step ${manifest.step} of run ${manifest.runId} has a checkpoint with other weights (${existing.weightsDigest.slice(0, 16)}, not ` +
      `${manifest.weightsDigest.slice(0, 16)}) at ${key} in ${store.describe()}. Start the run under another name, or delete that checkpoint.`,
    { details: { runId: manifest.runId, step: manifest.step, key } },
  );
}

/** What two manifests of the same state share, whoever wrote them. */
function contentOf({ step, weightsDigest, shards }: CheckpointManifest): string {
  return JSON.stringify([step, weightsDigest, shards.map(({ sha256 }) => sha256).sort()]);
}
