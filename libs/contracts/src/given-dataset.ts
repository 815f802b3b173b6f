import { z } from 'zod';
import { partName } from './corpus-section.ts';
import { datasetManifestSchema, documentShardSchema, storedPartSchema } from './dataset.ts';

const own = datasetManifestSchema.shape;
const shard = documentShardSchema.extend({ part: partName.optional() });

/** The manifest of a dataset as another program may write it: what berth finds out by itself may be left out. */
export const givenDatasetSchema = z.strictObject({
  format: z.literal('berth-dataset/3'),
  /** Where its keys are those of a bucket: `datasets/<datasetId>/…`. Names nothing: berth goes by content. */
  datasetId: own.datasetId.optional(),
  vocabulary: own.vocabulary,
  tokenCounts: storedPartSchema.optional(),
  doLowerCase: z.boolean(),
  heldOutRatio: z.number().min(0).lt(1).optional(),
  textRules: own.textRules,
  health: own.health,
  train: z.array(shard).min(1),
  heldOutShards: z.array(shard).optional(),
});
export type GivenDataset = z.output<typeof givenDatasetSchema>;

/** That a dataset in the bucket which berth did not make was checked, and what was found: `datasets/<id>/verified.json`. */
export const verifiedDatasetSchema = z.strictObject({
  format: z.literal('berth-verified/1'),
  /** Of the manifest that was checked. */
  sha256: storedPartSchema.shape.sha256,
});
