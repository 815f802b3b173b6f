import { maxModel, type ModelConfig } from '@berth/contracts';
import type { JsonFile } from '@berth/data';

/**
 * Activations by the names of transformers (src/transformers/activations.py). The last two are the tanh form computed
 * otherwise.
 */
const activations: Readonly<Record<string, ModelConfig['hiddenAct']>> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  gelu_fast: 'gelu_new',
};

/** Entries of the largest multilingual vocabularies, and some more. */
const maxVocabSize = 2 ** 21;

/** What keeps the best known relatives of BERT from being one, by their model_type in transformers. */
const otherFamilies: Readonly<Record<string, string>> = {
  distilbert: 'it has no segments and no pooler',
  roberta: 'its tokens are made of bytes, and its positions begin behind that of [PAD]',
  'xlm-roberta':
    'its tokens are those of SentencePiece, and its positions begin behind that of [PAD]',
  camembert: 'its tokens are those of SentencePiece, and its positions begin behind that of [PAD]',
  modernbert:
    'its positions are rotary, its layer norms come first and have no biases, its layers are gated',
  albert: 'its layers share one set of weights, and its word table is factorised',
  electra: 'it was trained to tell replaced tokens, and its heads are others',
  'deberta-v2': 'its positions are relative',
  mpnet: 'its positions are relative',
  nomic_bert: 'its positions are rotary',
};

/**
 * The architecture that a config.json states, with the defaults of transformers' `BertConfig` where it is silent.
 * @throws BerthError `CONFIG_INVALID` for what is no BERT, or a BERT that berth does not have
 */
export function modelConfigOf(config: JsonFile): ModelConfig {
  const type = config.text('model_type', 'bert');
  if (type !== 'bert') {
    const why = Object.hasOwn(otherFamilies, type) ? `: ${otherFamilies[type]}` : '';
    throw config.invalid(`model_type is ${type}; berth knows the family of bert only${why}`);
  }
  refuseVariants(config);
  const act = config.text('hidden_act', 'gelu');
  const hiddenAct = Object.hasOwn(activations, act) ? activations[act] : undefined;
  if (hiddenAct === undefined)
    throw config.invalid(
      `hidden_act is ${act}; berth knows ${Object.keys(activations).join(', ')}`,
    );
  const hiddenSize = config.count('hidden_size', { max: maxModel.hiddenSize });
  const numHeads = config.count('num_attention_heads', { max: maxModel.numHeads });
  if (hiddenSize % numHeads !== 0)
    throw config.invalid(`hidden_size ${hiddenSize} is no multiple of ${numHeads} attention heads`);
  return {
    vocabSize: config.count('vocab_size', { max: maxVocabSize }),
    hiddenSize,
    numLayers: config.count('num_hidden_layers', { max: maxModel.numLayers }),
    numHeads,
    intermediateSize: config.count('intermediate_size', { max: maxModel.intermediateSize }),
    maxPositions: config.count('max_position_embeddings', { max: maxModel.maxPositions }),
    typeVocabSize: config.count('type_vocab_size', { min: 2, max: maxModel.typeVocabSize }),
    hiddenAct,
    hiddenDropoutRatio: dropout(config, 'hidden_dropout_prob'),
    attentionDropoutRatio: dropout(config, 'attention_probs_dropout_prob'),
    initializerRange: config.number('initializer_range', 0.02),
    layerNormEps: config.number('layer_norm_eps', 1e-12),
  };
}

function refuseVariants(config: JsonFile): void {
  const positions = config.text('position_embedding_type', 'absolute');
  if (positions !== 'absolute')
    throw config.invalid(
      `position_embedding_type is ${positions}; berth has absolute positions only`,
    );
  if (config.get('is_decoder') === true || config.get('add_cross_attention') === true)
    throw config.invalid('it is a decoder; berth has encoders only');
  if (config.has('quantization_config'))
    throw config.invalid('its weights are quantized; take the model that it was made from');
  if (config.get('type_vocab_size') === 1)
    throw config.invalid('type_vocab_size is 1; the examples of berth have two segments');
  if (config.object('pruned_heads').entries().length > 0)
    throw config.invalid('pruned_heads: berth has layers with all their heads only');
}

function dropout(config: JsonFile, key: string): number {
  const ratio = config.number(key, 0.1);
  if (ratio >= 0 && ratio < 1) return ratio;
  throw config.invalid(`${key} must be from 0 to below 1, not ${ratio}`);
}

/** The config.json of a model. @param architecture the class of transformers that has its heads */
export function configJson(
  model: ModelConfig,
  padId: number,
  architecture: string,
): Readonly<Record<string, unknown>> {
  return {
    architectures: [architecture],
    attention_probs_dropout_prob: model.attentionDropoutRatio,
    classifier_dropout: null,
    hidden_act: model.hiddenAct,
    hidden_dropout_prob: model.hiddenDropoutRatio,
    hidden_size: model.hiddenSize,
    initializer_range: model.initializerRange,
    intermediate_size: model.intermediateSize,
    layer_norm_eps: model.layerNormEps,
    max_position_embeddings: model.maxPositions,
    model_type: 'bert',
    num_attention_heads: model.numHeads,
    num_hidden_layers: model.numLayers,
    pad_token_id: padId,
    position_embedding_type: 'absolute',
    tie_word_embeddings: true,
    torch_dtype: 'float32',
    type_vocab_size: model.typeVocabSize,
    use_cache: true,
    vocab_size: model.vocabSize,
  };
}
