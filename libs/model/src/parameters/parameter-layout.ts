import type { ModelConfig, ParameterSpec } from '@berth/contracts';
import type { TaskModel } from '../tasks/task-model.ts';
import { denseShapes, layerNormShapes, type NamedShape } from './named-shapes.ts';

/**
 * Every parameter of a model in checkpoint order, the encoder's before those of the task's head: Google's names and shapes
 * (docs/bert.md#parameters), kernels [in, out], laid end to end in one flat vector.
 */
export function parameterLayout(
  config: ModelConfig,
  { headShapes }: Pick<TaskModel, 'headShapes'>,
): readonly ParameterSpec[] {
  let offset = 0;
  return [...encoderShapes(config), ...headShapes(config)].map(([name, shape]) => {
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

function encoderShapes(config: ModelConfig): readonly NamedShape[] {
  const { hiddenSize: H, intermediateSize: F, vocabSize: V, numLayers } = config;
  return [
    ['bert/embeddings/word_embeddings', [V, H]],
    ['bert/embeddings/position_embeddings', [config.maxPositions, H]],
    ['bert/embeddings/token_type_embeddings', [config.typeVocabSize, H]],
    ...layerNormShapes('bert/embeddings', H),
    ...Array.from({ length: numLayers }, (_, layer) => layerShapes(layer, H, F)).flat(),
  ];
}

function layerShapes(layer: number, H: number, F: number): readonly NamedShape[] {
  const scope = `bert/encoder/layer_${layer}`;
  return [
    ...denseShapes(`${scope}/attention/self/query`, H, H),
    ...denseShapes(`${scope}/attention/self/key`, H, H),
    ...denseShapes(`${scope}/attention/self/value`, H, H),
    ...denseShapes(`${scope}/attention/output/dense`, H, H),
    ...layerNormShapes(`${scope}/attention/output`, H),
    ...denseShapes(`${scope}/intermediate/dense`, H, F),
    ...denseShapes(`${scope}/output/dense`, F, H),
    ...layerNormShapes(`${scope}/output`, H),
  ];
}
