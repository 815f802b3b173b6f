import { z } from 'zod';
import { maxModel } from './limits.ts';

/** The six published BERT sizes: layers, hidden, heads (docs/bert.md#sizes). Feed-forward is four times hidden. */
export const modelSizes = {
  tiny: { numLayers: 2, hiddenSize: 128, numHeads: 2 },
  mini: { numLayers: 4, hiddenSize: 256, numHeads: 4 },
  small: { numLayers: 4, hiddenSize: 512, numHeads: 8 },
  medium: { numLayers: 8, hiddenSize: 512, numHeads: 8 },
  base: { numLayers: 12, hiddenSize: 768, numHeads: 12 },
  large: { numLayers: 24, hiddenSize: 1024, numHeads: 16 },
} as const;

export type ModelSize = keyof typeof modelSizes;

export const modelSizeNames = Object.keys(modelSizes) as [ModelSize, ...ModelSize[]];

/** A fully resolved BERT architecture; every field decides the shape or the value of a weight. */
export interface ModelConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  readonly typeVocabSize: number;
  /** `gelu_new` is Google's tanh form, `gelu` the erf form. */
  readonly hiddenAct: 'gelu_new' | 'gelu';
  readonly hiddenDropoutRatio: number;
  readonly attentionDropoutRatio: number;
  readonly initializerRange: number;
  readonly layerNormEps: number;
}

/** The `model` section of a run config; a size fills in what is not given. */
export const modelSectionSchema = z
  .strictObject({
    size: z
      .enum(modelSizeNames)
      .default('base')
      .describe('One of the published sizes')
      .meta({ decides: 'weights', change: 'new' }),
    hiddenSize: z
      .int()
      .positive()
      .max(maxModel.hiddenSize)
      .optional()
      .describe('Width of the encoder; default from size')
      .meta({ decides: 'weights', change: 'new' }),
    numLayers: z
      .int()
      .positive()
      .max(maxModel.numLayers)
      .optional()
      .describe('Encoder layers; default from size')
      .meta({ decides: 'weights', change: 'new' }),
    numHeads: z
      .int()
      .positive()
      .max(maxModel.numHeads)
      .optional()
      .describe('Attention heads; default from size')
      .meta({ decides: 'weights', change: 'new' }),
    intermediateSize: z
      .int()
      .positive()
      .max(maxModel.intermediateSize)
      .optional()
      .describe('Feed-forward width; default 4 x hidden')
      .meta({ decides: 'weights', change: 'new' }),
    maxPositions: z
      .int()
      .positive()
      .max(maxModel.maxPositions)
      .default(512)
      .describe('Longest sequence the model can take')
      .meta({ decides: 'weights', change: 'init' }),
    typeVocabSize: z
      .int()
      .min(2)
      .max(maxModel.typeVocabSize)
      .default(2)
      .describe('Number of segment ids')
      .meta({ decides: 'weights', change: 'new' }),
    hiddenAct: z
      .enum(['gelu_new', 'gelu'])
      .default('gelu_new')
      .describe('gelu_new: tanh form (Google); gelu: erf form')
      .meta({ decides: 'weights', change: 'new' }),
    hiddenDropoutRatio: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe('Dropout on hidden states')
      .meta({ decides: 'weights' }),
    attentionDropoutRatio: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe('Dropout on attention')
      .meta({ decides: 'weights' }),
    initializerRange: z
      .number()
      .positive()
      .default(0.02)
      .describe('Std of the truncated normal')
      .meta({ decides: 'weights', change: 'new' }),
    layerNormEps: z
      .number()
      .positive()
      .default(1e-12)
      .describe('Epsilon inside the square root')
      .meta({ decides: 'weights', change: 'new' }),
  })
  .describe('Architecture');

export type ModelSection = z.output<typeof modelSectionSchema>;

/** Joins a size, its overrides and the vocabulary into an architecture. */
export function resolveModelConfig(section: ModelSection, vocabSize: number): ModelConfig {
  const size = modelSizes[section.size];
  const hiddenSize = section.hiddenSize ?? size.hiddenSize;
  return {
    vocabSize,
    hiddenSize,
    numLayers: section.numLayers ?? size.numLayers,
    numHeads: section.numHeads ?? size.numHeads,
    intermediateSize: section.intermediateSize ?? 4 * hiddenSize,
    maxPositions: section.maxPositions,
    typeVocabSize: section.typeVocabSize,
    hiddenAct: section.hiddenAct,
    hiddenDropoutRatio: section.hiddenDropoutRatio,
    attentionDropoutRatio: section.attentionDropoutRatio,
    initializerRange: section.initializerRange,
    layerNormEps: section.layerNormEps,
  };
}
