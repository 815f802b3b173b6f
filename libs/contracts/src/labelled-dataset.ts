import { z } from 'zod';
import { datasetManifestSchema, exampleShardSchema, storedPartSchema } from './dataset.ts';
import { fineTuningSchema } from './tasks/fine-tuning/schema.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();

/** Labelled examples as shards, made once: written last, after every part it names. */
export const labelledDatasetSchema = z.strictObject({
  format: z.literal('berth-labelled-dataset/1'),
  /** Digest of all that follows but where the files were. */
  datasetId: sha256,
  /** What a model that learns from it is fine-tuned for. */
  fineTuning: fineTuningSchema,
  vocabulary: storedPartSchema.extend({ numTokens: size }),
  doLowerCase: z.boolean(),
  maxSeqLength: z.int().positive(),
  exampleSetId: sha256,
  /** By their numbers; the same in each epoch. */
  train: z.array(exampleShardSchema).min(1),
  /** In the order of the rows. */
  heldOut: exampleShardSchema,
  /** What evaluations tell of each held-out example. */
  heldOutRows: storedPartSchema,
  /** Training rows, or words, of each label; absent where there are no labels. */
  labelCounts: z.array(size).optional(),
  /** That were read: of the training rows, then of others to evaluate on. */
  files: z.array(z.strictObject({ sha256 })),
});
/** What a run learns from, of either kind. */
export const anyDatasetSchema = z.discriminatedUnion('format', [
  datasetManifestSchema,
  labelledDatasetSchema,
]);
export type AnyDataset = z.output<typeof anyDatasetSchema>;
export type LabelledDataset = z.output<typeof labelledDatasetSchema>;
