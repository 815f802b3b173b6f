import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors, floatTensor, type SafeTensor } from '@berth/checkpoint';
import type { ModelConfig } from '@berth/contracts';
import { specialTokens } from '@berth/data';
import { numParametersOf, parameterLayout, taskModels, toHuggingFace } from '@berth/model';

export const microModel: ModelConfig = {
  vocabSize: 12,
  hiddenSize: 8,
  numLayers: 2,
  numHeads: 2,
  intermediateSize: 32,
  maxPositions: 16,
  typeVocabSize: 2,
  hiddenAct: 'gelu_new',
  hiddenDropoutRatio: 0.1,
  attentionDropoutRatio: 0.1,
  initializerRange: 0.02,
  layerNormEps: 1e-12,
};

export const microLayout = parameterLayout(microModel, taskModels.pretraining);
export const microWeights = Float32Array.from(
  { length: numParametersOf(microLayout) },
  (_, index) => Math.sin(index + 1),
);

export const microTokens = [...specialTokens, 'a', 'b', '##c', 'nation', '##s', ',', '.'];

/** config.json as transformers 4 writes it. */
export const microConfigJson = {
  architectures: ['BertForPreTraining'],
  model_type: 'bert',
  vocab_size: 12,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 32,
  hidden_act: 'gelu_new',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 16,
  type_vocab_size: 2,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  position_embedding_type: 'absolute',
};

/** The state dict of a micro model. */
export function microTensors(): SafeTensor[] {
  return [...toHuggingFace(microLayout, microWeights)].map(([name, { shape, data }]) =>
    floatTensor(name, shape, data),
  );
}

/** Writes a folder by hand: what is not given is that of a micro model. */
export function writeMicroFolder(
  folder: string,
  files: {
    readonly config?: unknown;
    readonly tensors?: readonly SafeTensor[];
    readonly others?: Readonly<Record<string, string | Uint8Array>>;
  } = {},
): string {
  const { config = microConfigJson, tensors = microTensors(), others } = files;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  if (tensors.length > 0)
    writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  const text = others ?? { 'vocab.txt': microTokens.map((token) => `${token}\n`).join('') };
  for (const [name, content] of Object.entries(text)) writeFileSync(join(folder, name), content);
  return folder;
}
