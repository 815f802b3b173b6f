import { z } from 'zod';
import { storedPartSchema } from './dataset.ts';
import { cursorSchema } from './ledger.ts';
import { numericsSchema } from './view.ts';

/** A safetensors file of a checkpoint. */
export const checkpointShardSchema = storedPartSchema.extend({
  kind: z.enum(['weights', 'moments']),
  /** Position among the shards of its kind. */
  index: z.int().nonnegative(),
  tensors: z.array(z.string()),
});
export type CheckpointShard = z.output<typeof checkpointShardSchema>;

/** Ledger entries [fromStep, toStep) as JSON lines. */
export const ledgerSegmentSchema = storedPartSchema.extend({
  fromStep: z.int().nonnegative(),
  toStep: z.int().nonnegative(),
});
export type LedgerSegment = z.output<typeof ledgerSegmentSchema>;

/** Written last, only if absent: a checkpoint exists exactly when its manifest does and every part verifies. */
export const checkpointManifestSchema = z.strictObject({
  /** The first one has no digest of its own text; only the second is written. */
  format: z.enum(['berth-checkpoint/1', 'berth-checkpoint/2']),
  runId: z.string(),
  /** Steps applied to these weights. */
  step: z.int().nonnegative(),
  /** The next example to use. */
  cursor: cursorSchema,
  seed: z.int().nonnegative(),
  trainingHash: z.string(),
  datasetId: z.string(),
  exampleSetId: z.string(),
  numerics: numericsSchema,
  fencingEpoch: z.int().positive(),
  ledgerHead: z.string(),
  ledger: z.array(ledgerSegmentSchema),
  /** sha256 over all weights as little-endian fp32, in layout order. */
  weightsDigest: z.string(),
  /** `stateDigest` of weights and moments, which every member that worked on the save had; manifests of before have none. */
  stateDigest: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  model: z.record(z.string(), z.unknown()),
  shards: z.array(checkpointShardSchema).min(1),
  createdAtMs: z.number(),
  /** Absent in what earlier releases wrote. */
  saving: z
    .strictObject({
      /** From the first upload to this manifest. */
      durationMs: z.number().nonnegative(),
      /** For how long training stood still. */
      stallMs: z.number().nonnegative(),
    })
    .optional(),
});
export type CheckpointManifest = z.output<typeof checkpointManifestSchema>;

/** What lies beside a state that waits on a worker's disk for the bucket: most of its view's members had the same one. */
export const spooledStateSchema = z.strictObject({
  format: z.literal('berth-spool/1'),
  runId: z.string(),
  attempt: z.int().positive(),
  fencingEpoch: z.int().positive(),
  step: z.int().positive(),
  cursor: cursorSchema,
  trainingHash: z.string(),
  numParameters: z.int().positive(),
  stateDigest: z.string().regex(/^[0-9a-f]{16}$/),
  /** Of the ledger after the step. */
  ledgerHead: z.string(),
  stallMs: z.number().nonnegative(),
});
export type SpooledState = z.output<typeof spooledStateSchema>;

/**
 * What a resume from an older checkpoint left behind of the ledger: the entries lie beside this. Written once they do and
 * the checkpoint is pinned; from then on the history is cut.
 */
export const branchSchema = z.strictObject({
  format: z.literal('berth-branch/2'),
  runId: z.string(),
  /** The newest attempt that was left behind. */
  attempt: z.int().positive(),
  /** Committed steps that stayed. */
  fromStep: z.int().nonnegative(),
  askedAtMs: z.number(),
  /** The view that nothing of it is newer than. */
  fencingEpoch: z.int().positive(),
  viewVersion: z.int().positive(),
  ledger: z.array(ledgerSegmentSchema),
});
export type Branch = z.output<typeof branchSchema>;
