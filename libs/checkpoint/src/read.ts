import {
  BerthError,
  type CheckpointManifest,
  type CheckpointShard,
  type Logger,
  type ObjectStore,
  type ParameterSpec,
  type TrainingState,
} from '@berth/contracts';
import type { Attempts } from './attempts.ts';
import { stateDigestInTurns, weightsDigest } from './digest.ts';
import { listCheckpoints, readManifest } from './manifest.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { momentNames } from './plan.ts';
import { decodeSafetensors, floatsOf, maxHeaderBytes } from './safetensors.ts';
import { checkLedgerEnd } from './stored-ledger.ts';
import { corrupt, isDamage, readPart } from './stored-part.ts';

const numParallelReads = 4;

/** A checkpoint whose state has been verified, every part of it. */
export interface LoadedCheckpoint {
  readonly manifest: CheckpointManifest;
  readonly state: TrainingState;
}

/** A checkpoint passed over, and why. */
export interface SkippedCheckpoint {
  readonly step: number;
  readonly reason: string;
}

/**
 * Loads a checkpoint's state: size and SHA-256 of every part, every rule of its files, the tensors against the layout, the
 * digests of weights and moments, and the end of its ledger; the rest of that is read where a ledger is restored or verified.
 * @throws BerthError `CHECKPOINT_CORRUPT` when it is damaged, `CHECKPOINT_MISMATCH` when it is sound but of another model,
 * and what the store throws
 */
export async function loadCheckpoint(
  store: ObjectStore,
  manifestKey: string,
  layout: readonly ParameterSpec[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<LoadedCheckpoint> {
  const manifest = await readManifest(store, manifestKey);
  const state = emptyState(manifest.step, layout);
  const missing = tensorSlots(state, layout);
  await mapConcurrently(
    manifest.shards,
    numParallelReads,
    async (shard, signal) => {
      const bytes = await readPart(store, shard, { maxBytes: maxShardBytes(state, shard), signal });
      fillSlots(store, shard, bytes, missing);
    },
    options.signal,
  );
  const [absent] = missing.keys();
  if (absent !== undefined) throw mismatch(manifestKey, `it lacks the tensor ${absent}`);
  if ((await weightsDigest(state.weights)) !== manifest.weightsDigest) {
    throw corrupt(store, manifestKey, 'the digest of the weights is not the one in the manifest');
  }
  const { stateDigest } = manifest;
  if (stateDigest !== undefined && (await stateDigestInTurns(state)) !== stateDigest)
    throw corrupt(store, manifestKey, 'the digest of the state is not the one in the manifest');
  await checkLedgerEnd(store, manifest, options.signal);
  return { manifest, state };
}

/**
 * The newest checkpoint of a run that verifies; each one passed over is logged and returned with the reason. Only damage is
 * passed over: an unreachable store or a checkpoint of another model is thrown.
 * @param options.minStep, options.maxStep others are not looked at
 * @param options.attempts as the run's record has them
 * @returns `undefined` when the run has no such checkpoint
 * @throws BerthError `CHECKPOINT_CORRUPT` when it has some but none verifies, `CHECKPOINT_MISMATCH`, and what the store throws
 */
export async function findNewestValid(
  store: ObjectStore,
  runId: string,
  options: {
    readonly layout: readonly ParameterSpec[];
    readonly logger: Logger;
    readonly minStep?: number;
    readonly maxStep?: number;
    readonly attempts?: Attempts;
    readonly signal?: AbortSignal;
  },
): Promise<(LoadedCheckpoint & { readonly skipped: readonly SkippedCheckpoint[] }) | undefined> {
  const { layout, logger, minStep = 0, maxStep = Infinity, attempts } = options;
  const listed = (await listCheckpoints(store, runId, attempts)).filter(
    ({ step }) => minStep <= step && step <= maxStep,
  );
  const skipped: SkippedCheckpoint[] = [];
  for (const { step, manifestKey } of listed.reverse()) {
    try {
      return { ...(await loadCheckpoint(store, manifestKey, layout, options)), skipped };
    } catch (error) {
      if (!isDamage(error)) throw error;
      skipped.push({ step, reason: error.message });
      logger.warn('skipping a damaged checkpoint', { runId, step, reason: error.message });
    }
  }
  if (skipped.length === 0) return undefined;
  const reasons = skipped.map(({ step, reason }) => `step ${step}: ${reason}`);
  throw new BerthError(
    'CHECKPOINT_CORRUPT',
    `None of the ${skipped.length} checkpoints of run ${runId} in ${store.describe()} verifies. ` +
      `Restore one, or delete them to start from step 0. ${reasons.join(' ')}`,
    { details: { runId } },
  );
}

/** Where a tensor's elements go. */
interface TensorSlot {
  readonly kind: CheckpointShard['kind'];
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function emptyState(step: number, layout: readonly ParameterSpec[]): TrainingState {
  const numElements = layout.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
  return {
    step,
    weights: new Float32Array(numElements),
    firstMoments: new Float32Array(numElements),
    secondMoments: new Float32Array(numElements),
  };
}

function tensorSlots(
  state: TrainingState,
  layout: readonly ParameterSpec[],
): Map<string, TensorSlot> {
  const slots = new Map<string, TensorSlot>();
  for (const { name, shape, offset, size } of layout) {
    const slotOf = (kind: TensorSlot['kind'], values: Float32Array): TensorSlot => ({
      kind,
      shape,
      values: values.subarray(offset, offset + size),
    });
    const [first, second] = momentNames(name);
    slots.set(name, slotOf('weights', state.weights));
    slots.set(first, slotOf('moments', state.firstMoments));
    slots.set(second, slotOf('moments', state.secondMoments));
  }
  return slots;
}

/** What a shard has at most: all weights, or both moments of each, and what its header may have. */
function maxShardBytes({ weights }: TrainingState, { kind, tensors }: CheckpointShard): number {
  const stateBytes = (kind === 'weights' ? 1 : 2) * weights.byteLength;
  return stateBytes + maxHeaderBytes(tensors.length) + 8;
}

/** Copies a file's tensors to their slots and removes these from the map: a slot is filled once. */
function fillSlots(
  store: ObjectStore,
  shard: CheckpointShard,
  bytes: Uint8Array,
  slots: Map<string, TensorSlot>,
): void {
  const { tensors } = decodeSafetensors(bytes, shard.tensors.length);
  const named = new Set(shard.tensors);
  if (tensors.size !== named.size || ![...tensors.keys()].every((name) => named.has(name))) {
    throw corrupt(store, shard.key, 'its tensors are not those in the manifest');
  }
  for (const tensor of tensors.values()) {
    const slot = slots.get(tensor.name);
    if (!slot || slot.kind !== shard.kind || String(slot.shape) !== String(tensor.shape)) {
      const expected = slot ? `${slot.kind} [${slot.shape.join(', ')}]` : 'no such tensor';
      throw mismatch(
        shard.key,
        `it holds ${tensor.name} as ${shard.kind} [${tensor.shape.join(', ')}]; this model has ${expected}`,
      );
    }
    slots.delete(tensor.name);
    slot.values.set(floatsOf(tensor));
  }
}

function mismatch(key: string, why: string): BerthError {
  return new BerthError(
    'CHECKPOINT_MISMATCH',
    `${key} is a checkpoint of another model: ${why}. Use the model config the run was started with.`,
    { details: { key } },
  );
}
