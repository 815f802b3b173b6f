import {
  modelSizes,
  resolveModelConfig,
  modelSectionSchema,
  type ModelSize,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { forwardFlopsPerExample, trainingFlopsPerStep } from '../tasks/pretraining/flops.ts';
import { fromHuggingFace, huggingFaceName, toHuggingFace } from '../hugging-face/names.ts';
import { countParameters } from '../tasks/pretraining/parameter-counts.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { numParametersOf, parameterLayout } from './parameter-layout.ts';
import { golden, goldenTensors, microConfig, microLayout } from '../testing/golden.ts';

function published(size: ModelSize, vocabSize = 30_522) {
  return resolveModelConfig(modelSectionSchema.parse({ size }), vocabSize);
}

describe('parameter layout', () => {
  it("has no gaps and Google's 5 + 16 L + 9 tensors", () => {
    const layout = parameterLayout(published('base'), pretrainingModel);
    expect(layout).toHaveLength(206);
    let end = 0;
    for (const { offset, size, shape } of layout) {
      expect(offset).toBe(end);
      expect(shape.reduce((product, dimension) => product * dimension, 1)).toBe(size);
      end += size;
    }
    expect(numParametersOf(layout)).toBe(end);
  });

  it('decays all but biases and layer norms', () => {
    const decayed = microLayout.filter((spec) => spec.decayed).map(({ name }) => name);
    expect(decayed).toHaveLength(3 + 6 * microConfig.numLayers + 3);
    expect(decayed.some((name) => /bias|LayerNorm/.test(name))).toBe(false);
    expect(decayed).toContain('bert/embeddings/word_embeddings');
    expect(decayed).toContain('cls/seq_relationship/output_weights');
  });
});

describe('parameter counts', () => {
  it.each([
    ['tiny', 4_385_920, 4_416_698, 4_433_468],
    ['mini', 11_170_560, 11_201_594, 11_267_900],
    ['small', 28_763_648, 28_795_194, 29_058_876],
    ['medium', 41_373_184, 41_404_730, 41_668_412],
    ['base', 109_482_240, 109_514_298, 110_106_428],
    ['large', 335_141_888, 335_174_458, 336_226_108],
  ] as const)('of %s are the published ones', (size, bertModel, maskedLm, preTraining) => {
    expect(Object.keys(modelSizes)).toContain(size);
    const config = published(size);
    expect(countParameters(config)).toMatchObject({ bertModel, maskedLm, preTraining });
    expect(numParametersOf(parameterLayout(config, pretrainingModel))).toBe(preTraining);
  });

  it('of base split into their parts', () => {
    expect(countParameters(published('base'))).toEqual({
      embeddings: 23_835_648,
      attentionWeights: 28_311_552,
      layerNorms: 38_400,
      feedForwardWeights: 56_623_104,
      encoderBiases: 82_944,
      pooler: 590_592,
      maskedLmHead: 622_650,
      nextSentenceHead: 1_538,
      withoutBiases: 108_808_704,
      bertModel: 109_482_240,
      maskedLm: 109_514_298,
      preTraining: 110_106_428,
    });
  });

  it('follow the vocabulary', () => {
    expect(countParameters(published('base', 28_996)).preTraining).toBe(108_932_934);
    expect(countParameters(published('tiny', 8192)).preTraining).toBe(1_552_898);
  });
});

describe('Hugging Face names', () => {
  it('and shapes are those of the reference state dict', () => {
    const tensors = toHuggingFace(microLayout, new Float32Array(numParametersOf(microLayout)));
    const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual(golden.huggingFaceStateDict);
  });

  it('transpose kernels and nothing else', () => {
    expect(huggingFaceName('bert/encoder/layer_11/attention/self/key/kernel')).toEqual({
      name: 'bert.encoder.layer.11.attention.self.key.weight',
      transposed: true,
    });
    expect(huggingFaceName('cls/seq_relationship/output_weights').transposed).toBe(false);
    expect(huggingFaceName('bert/embeddings/word_embeddings').transposed).toBe(false);
  });

  it('give back the same state dict after a round trip', () => {
    const tensors = goldenTensors('model-micro.safetensors');
    const back = toHuggingFace(microLayout, fromHuggingFace(microLayout, tensors));
    expect(back).toEqual(tensors);
  });

  it('refuse a state dict of another model', () => {
    const tensors = goldenTensors('model-micro.safetensors');
    tensors.delete('bert.pooler.dense.weight');
    expect(() => fromHuggingFace(microLayout, tensors)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }),
    );
  });
});

describe('FLOPs', () => {
  it('of a base example of 128 tokens are those of its matmuls', () => {
    const layer = 128 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 128 * 128 * 768;
    const heads = 768 * 768 + 2 * 768 + 20 * (768 * 768 + 768 * 30_522);
    const shape = { maxSeqLength: 128, maxPredictions: 20 };
    expect(forwardFlopsPerExample(published('base'), shape)).toBe(2 * (12 * layer + heads));
    expect(trainingFlopsPerStep(published('base'), shape, 256)).toBe(
      6 * 256 * (12 * layer + heads),
    );
  });
});
