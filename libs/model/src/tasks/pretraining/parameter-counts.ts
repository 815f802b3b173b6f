import type { ModelConfig, ParameterSpec } from '@berth/contracts';
import { parameterLayout } from '../../parameters/parameter-layout.ts';
import { pretrainingModel } from './pretraining-model.ts';

/** Parameters by part; the parts add up to `preTraining` (docs/bert.md#sizes). */
export interface ParameterCounts {
  /** Word, position and segment tables. */
  readonly embeddings: number;
  /** Query, key, value and output kernels of the encoder. */
  readonly attentionWeights: number;
  /** Gammas and betas of the embeddings and the encoder. */
  readonly layerNorms: number;
  readonly feedForwardWeights: number;
  /** Dense biases of the encoder. */
  readonly encoderBiases: number;
  readonly pooler: number;
  /** Transform, its layer norm and the output bias; the decoder is the word table. */
  readonly maskedLmHead: number;
  readonly nextSentenceHead: number;
  /** Embeddings, attention, layer norms and feed-forward, without biases. */
  readonly withoutBiases: number;
  /** BertModel: encoder with pooler, no heads. */
  readonly bertModel: number;
  /** BertForMaskedLM: no pooler, no next sentence head. */
  readonly maskedLm: number;
  /** BertForPreTraining: everything that is trained. */
  readonly preTraining: number;
}

/** Counts the parameters of an architecture, from its layout. */
export function countParameters(config: ModelConfig): ParameterCounts {
  const layout = parameterLayout(config, pretrainingModel);
  const sum = (part: Part) =>
    layout.filter((spec) => partOf(spec) === part).reduce((total, spec) => total + spec.size, 0);
  const embeddings = sum('embeddings');
  const attentionWeights = sum('attentionWeights');
  const layerNorms = sum('layerNorms');
  const feedForwardWeights = sum('feedForwardWeights');
  const encoderBiases = sum('encoderBiases');
  const pooler = sum('pooler');
  const maskedLmHead = sum('maskedLmHead');
  const nextSentenceHead = sum('nextSentenceHead');
  const withoutBiases = embeddings + attentionWeights + layerNorms + feedForwardWeights;
  const encoder = withoutBiases + encoderBiases;
  return {
    embeddings,
    attentionWeights,
    layerNorms,
    feedForwardWeights,
    encoderBiases,
    pooler,
    maskedLmHead,
    nextSentenceHead,
    withoutBiases,
    bertModel: encoder + pooler,
    maskedLm: encoder + maskedLmHead,
    preTraining: encoder + pooler + maskedLmHead + nextSentenceHead,
  };
}

type Part = Exclude<
  keyof ParameterCounts,
  'withoutBiases' | 'bertModel' | 'maskedLm' | 'preTraining'
>;

function partOf({ name }: ParameterSpec): Part {
  if (name.startsWith('cls/predictions/')) return 'maskedLmHead';
  if (name.startsWith('cls/seq_relationship/')) return 'nextSentenceHead';
  if (name.startsWith('bert/pooler/')) return 'pooler';
  if (name.includes('/LayerNorm/')) return 'layerNorms';
  if (name.startsWith('bert/embeddings/')) return 'embeddings';
  if (name.endsWith('/bias')) return 'encoderBiases';
  return name.includes('/attention/') ? 'attentionWeights' : 'feedForwardWeights';
}
