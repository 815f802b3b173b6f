// Shapes: B examples, S tokens, T = B S, H hidden, F feed-forward, N heads, D = H / N.
import type { ModelConfig } from '@berth/contracts';
import {
  add,
  mul,
  reshape,
  tanh,
  transpose,
  type Rank,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { BatchTensors } from './eager/batch-tensors.ts';
import { attention } from './blocks/attention.ts';
import { gatherRows } from './blocks/gather-rows.ts';
import { geluErf, geluTanh } from './blocks/gelu.ts';
import { layerNorm } from './blocks/layer-norm.ts';
import { linear } from './blocks/linear.ts';
import { dropoutSites, type DropoutMasks } from './eager/dropout.ts';
import type { Weights } from './parameters/weights.ts';

/** What a forward pass runs on. */
export interface ForwardContext {
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly batch: BatchTensors;
  /** Left out in evaluation: nothing is dropped. */
  readonly dropout?: DropoutMasks;
}

/** The encoder, as in the BERT release (docs/bert.md#model): last hidden states, one row a token. */
export function encode(context: ForwardContext): Tensor2D {
  return hiddenStates(context).at(-1)!;
}

/** The hidden states of the embeddings and of every layer, one row a token. */
export function hiddenStates(context: ForwardContext): Tensor2D[] {
  const states = [embed(context)];
  for (let layer = 0; layer < context.config.numLayers; layer++)
    states.push(encoderLayer(context, layer, states[layer]!));
  return states;
}

function embed(context: ForwardContext): Tensor2D {
  const { weights, batch } = context;
  const scope = 'bert/embeddings';
  const words_TH = gatherRows(weights.matrix(`${scope}/word_embeddings`), batch.column('inputIds'));
  const types_TH = gatherRows(
    weights.matrix(`${scope}/token_type_embeddings`),
    batch.column('segmentIds'),
  );
  const positions_TH = gatherRows(
    weights.matrix(`${scope}/position_embeddings`),
    batch.positionIds_T,
  );
  const sum_TH = add<Tensor2D>(add(words_TH, types_TH), positions_TH);
  return dropHidden(context, dropoutSites.embeddings, normalize(context, scope, sum_TH));
}

/** Post-norm: attention, then feed-forward, each followed by dropout, residual and layer norm. */
function encoderLayer(context: ForwardContext, layer: number, input_TH: Tensor2D): Tensor2D {
  const scope = `bert/encoder/layer_${layer}`;
  const context_TH = selfAttention(context, layer, input_TH);
  const attended_TH = dense(context, `${scope}/attention/output/dense`, context_TH);
  const attendedSite = dropoutSites.attentionOutput(layer);
  const middle_TH = normalize(
    context,
    `${scope}/attention/output`,
    add(dropHidden(context, attendedSite, attended_TH), input_TH),
  );
  const inner_TF = activate(context, dense(context, `${scope}/intermediate/dense`, middle_TH));
  const outer_TH = dense(context, `${scope}/output/dense`, inner_TF);
  const outerSite = dropoutSites.feedForwardOutput(layer);
  return normalize(
    context,
    `${scope}/output`,
    add(dropHidden(context, outerSite, outer_TH), middle_TH),
  );
}

function selfAttention(context: ForwardContext, layer: number, input_TH: Tensor2D): Tensor2D {
  const { config, batch } = context;
  const { batchSize: B, seqLength: S } = batch;
  const { numHeads: N, hiddenSize: H } = config;
  const heads = (kind: 'query' | 'key' | 'value'): Tensor4D => {
    const projected_TH = dense(
      context,
      `bert/encoder/layer_${layer}/attention/self/${kind}`,
      input_TH,
    );
    const split_BSND = reshape<Rank.R4>(projected_TH, [B, S, N, H / N]);
    return transpose(split_BSND, [0, 2, 1, 3]);
  };
  const context_BNSD = attention({
    query_BNSD: heads('query'),
    key_BNSD: heads('key'),
    value_BNSD: heads('value'),
    bias_B1QS: batch.attentionBias_B1QS,
    dropoutMask_BNSS:
      config.attentionDropoutRatio === 0
        ? undefined
        : context.dropout?.(
            dropoutSites.attentionProbabilities(layer),
            [B, N, S, S],
            config.attentionDropoutRatio,
          ),
  });
  return reshape(transpose(context_BNSD, [0, 2, 1, 3]), [B * S, H]);
}

/**
 * tanh(dense) of some tokens.
 * @param rows_R - which they are; default: each example's first
 */
export function pool(
  context: ForwardContext,
  sequence_TH: Tensor2D,
  rows_R = context.batch.firstTokenRows_B,
): Tensor2D {
  return tanh(dense(context, 'bert/pooler/dense', gatherRows(sequence_TH, rows_R)));
}

export function dense({ weights }: ForwardContext, scope: string, x_MK: Tensor2D): Tensor2D {
  return linear(x_MK, weights.matrix(`${scope}/kernel`), weights.vector(`${scope}/bias`));
}

export function normalize(
  { config, weights }: ForwardContext,
  scope: string,
  x_RH: Tensor2D,
): Tensor2D {
  const gamma_H = weights.vector(`${scope}/LayerNorm/gamma`);
  const beta_H = weights.vector(`${scope}/LayerNorm/beta`);
  return layerNorm(x_RH, gamma_H, beta_H, config.layerNormEps);
}

export function activate({ config }: ForwardContext, x: Tensor2D): Tensor2D {
  return config.hiddenAct === 'gelu_new' ? geluTanh(x) : geluErf(x);
}

/** Dropout of hidden states; of nothing in evaluation. */
export function dropHidden(
  { config, dropout }: ForwardContext,
  site: number,
  x_TH: Tensor2D,
): Tensor2D {
  const ratio = config.hiddenDropoutRatio;
  if (dropout === undefined || ratio === 0) return x_TH;
  return mul(x_TH, dropout(site, x_TH.shape, ratio));
}
