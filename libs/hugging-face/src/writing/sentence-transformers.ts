import type { ModelConfig } from '@berth/contracts';
import { jsonBytes } from '../tokenizer/tokenizer-files.ts';

/**
 * What sentence-transformers reads besides the files of transformers: the encoder, then the mean of its last hidden states over
 * the tokens of a text.
 */
export function sentenceTransformersFiles(
  model: ModelConfig,
): Readonly<Record<string, Uint8Array>> {
  return {
    'modules.json': jsonBytes([
      { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
    ]),
    // The tokenizer lower-cases where the model wants it.
    'sentence_bert_config.json': jsonBytes({
      max_seq_length: model.maxPositions,
      do_lower_case: false,
    }),
    '1_Pooling/config.json': jsonBytes({
      word_embedding_dimension: model.hiddenSize,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
  };
}
