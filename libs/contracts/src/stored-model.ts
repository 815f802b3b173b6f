import { z } from 'zod';
import { digestOf } from './canonical-json.ts';
import { storedPartSchema } from './dataset.ts';
import type { ModelConfig } from './model-config.ts';
import { fineTuningSchema } from './tasks/fine-tuning/schema.ts';

const count = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A `ModelConfig`, as stored. */
export const modelConfigSchema = z.strictObject({
  vocabSize: count,
  hiddenSize: count,
  numLayers: count,
  numHeads: count,
  intermediateSize: count,
  maxPositions: count,
  typeVocabSize: count,
  hiddenAct: z.enum(['gelu_new', 'gelu']),
  hiddenDropoutRatio: z.number().min(0).lt(1),
  attentionDropoutRatio: z.number().min(0).lt(1),
  initializerRange: z.number().positive(),
  layerNormEps: z.number().positive(),
}) satisfies z.ZodType<ModelConfig>;

/** A model that runs can begin with: weights and vocabulary, written last, after every part it names. Never changed. */
export const storedModelSchema = z.strictObject({
  format: z.literal('berth-model/1'),
  /** Of all that follows but where the parts lie and where it came from: `storedModelId`. */
  modelId: sha256,
  model: modelConfigSchema,
  doLowerCase: z.boolean(),
  /** What its head is for, where that is not pre-training. */
  fineTuning: fineTuningSchema.optional(),
  vocabulary: storedPartSchema.extend({ numTokens: count }),
  /** SHA-256 over all weights as little-endian fp32, in layout order. */
  weightsDigest: sha256,
  /** In layout order; what the model lacks is not among them. */
  tensors: z.array(z.string()).min(1),
  shards: z.array(storedPartSchema.extend({ tensors: z.array(z.string()) })).min(1),
  /** For people: the folder or checkpoint that was stored first. */
  origin: z.string(),
});
export type StoredModel = z.output<typeof storedModelSchema>;

/** The name of an imported model. */
export const modelNameSchema = z.strictObject({
  format: z.literal('berth-model-name/1'),
  name: z.string(),
  modelId: sha256,
});

/** The SHA-256 that a model is known by: equal weights, shapes and vocabulary have the same, wherever they came from. */
export function storedModelId(
  model: Pick<StoredModel, 'model' | 'doLowerCase' | 'fineTuning' | 'weightsDigest' | 'tensors'> & {
    readonly vocabulary: Pick<StoredModel['vocabulary'], 'sha256'>;
  },
): string {
  const { model: architecture, doLowerCase, fineTuning, weightsDigest, tensors } = model;
  return digestOf({
    format: 'berth-model/1',
    model: architecture,
    doLowerCase,
    fineTuning,
    vocabulary: model.vocabulary.sha256,
    weightsDigest,
    tensors,
  });
}
