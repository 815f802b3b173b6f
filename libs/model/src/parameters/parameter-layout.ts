import type { ModelConfig, ParameterSpec } from '@berth/contracts';

/**
 * Every parameter of BERT for pretraining in checkpoint order: Google's names and shapes (data-and-model.md A3),
 * kernels [in, out], laid end to end in one flat vector. The masked LM decoder is the word embedding table.
 */
export function parameterLayout(config: ModelConfig): readonly ParameterSpec[] {
  let offset = 0;
  return namedShapes(config).map(([name, shape]) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const spec = { name, shape, offset, size, decayed: isDecayed(name) };
    offset += size;
    return spec;
  });
}

/** Elements of the flat vector. */
export function numParametersOf(layout: readonly ParameterSpec[]): number {
  return layout.reduce((total, spec) => total + spec.size, 0);
}

/** Google's rule: no weight decay where the name says layer norm or bias. */
function isDecayed(name: string): boolean {
  return !/LayerNorm|layer_norm|bias/.test(name);
}

type NamedShape = readonly [name: string, shape: readonly number[]];

function namedShapes(config: ModelConfig): readonly NamedShape[] {
  const { hiddenSize: H, intermediateSize: F, vocabSize: V, numLayers } = config;
  return [
    ['bert/embeddings/word_embeddings', [V, H]],
    ['bert/embeddings/position_embeddings', [config.maxPositions, H]],
    ['bert/embeddings/token_type_embeddings', [config.typeVocabSize, H]],
    ...layerNorm('bert/embeddings', H),
    ...Array.from({ length: numLayers }, (_, layer) => encoderLayer(layer, H, F)).flat(),
    ...dense('bert/pooler/dense', H, H),
    ...dense('cls/predictions/transform/dense', H, H),
    ...layerNorm('cls/predictions/transform', H),
    ['cls/predictions/output_bias', [V]],
    ['cls/seq_relationship/output_weights', [2, H]],
    ['cls/seq_relationship/output_bias', [2]],
  ];
}

function encoderLayer(layer: number, H: number, F: number): readonly NamedShape[] {
  const scope = `bert/encoder/layer_${layer}`;
  return [
    ...dense(`${scope}/attention/self/query`, H, H),
    ...dense(`${scope}/attention/self/key`, H, H),
    ...dense(`${scope}/attention/self/value`, H, H),
    ...dense(`${scope}/attention/output/dense`, H, H),
    ...layerNorm(`${scope}/attention/output`, H),
    ...dense(`${scope}/intermediate/dense`, H, F),
    ...dense(`${scope}/output/dense`, F, H),
    ...layerNorm(`${scope}/output`, H),
  ];
}

function dense(scope: string, numInputs: number, numOutputs: number): readonly NamedShape[] {
  return [
    [`${scope}/kernel`, [numInputs, numOutputs]],
    [`${scope}/bias`, [numOutputs]],
  ];
}

function layerNorm(scope: string, size: number): readonly NamedShape[] {
  return [
    [`${scope}/LayerNorm/gamma`, [size]],
    [`${scope}/LayerNorm/beta`, [size]],
  ];
}
