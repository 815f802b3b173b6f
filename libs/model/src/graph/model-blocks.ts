// Shapes: B examples, S tokens, T = B S, H hidden, F feed-forward, N heads, D = H / N, C classes, R rows.
import type { BatchShape, ModelConfig } from '@berth/contracts';
import { ops, type BlockBody, type Value } from '@berth/graph';
import { crossEntropy } from './blocks/cross-entropy.ts';
import { dropout } from './blocks/dropout.ts';
import { activations } from './blocks/gelu.ts';
import { layerNormGradient, normalize, scaleAndShift } from './blocks/layer-norm.ts';
import { sumColumns, widen, type ComputeDtype } from './blocks/precision.ts';

export type BlockName =
  | 'embeddings_forward'
  | 'embeddings_backward'
  | 'residual_forward'
  | 'last_residual_backward'
  | 'residual_backward'
  | 'activation_forward'
  | 'activation_backward'
  | 'heads_forward'
  | 'heads_backward'
  | 'softmax_forward'
  | 'softmax_backward'
  | 'join_heads'
  | 'split_heads'
  | 'pooler_forward'
  | 'pooler_backward'
  | 'transform_forward'
  | 'transform_backward'
  | 'cross_entropy'
  | 'cross_entropy_sums';

/**
 * The bodies of the compiled blocks between matrix products, forward and backward. Each takes activations in the compute type,
 * works in float32 and gives activations in the compute type; gradients of parameters are float32. A dropout key comes last and
 * is left out when nothing is dropped. With a `residual`, two gradients meet: the skipped path's and the computed path's.
 */
export type ModelBlocks = Readonly<Record<BlockName, BlockBody>>;

export function modelBlocks(
  config: ModelConfig,
  shape: BatchShape,
  compute: ComputeDtype,
): ModelBlocks {
  const { batchSize: B, maxSeqLength: S } = shape;
  const { hiddenSize: H, numHeads: N, layerNormEps, hiddenDropoutRatio } = config;
  const D = H / N;
  const scale = 1 / Math.sqrt(D);
  const activation = activations[config.hiddenAct];
  const narrow = (x: Value): Value => ops.cast(x, compute);
  // Where there are fewer rows than tokens they are those of first tokens.
  const dropHidden = (x: Value, key?: Value): Value =>
    dropout(x, key, hiddenDropoutRatio, (B * S) / (x.shape[0] ?? 1));
  const dropAttention = (x: Value, key?: Value): Value =>
    dropout(x, key, config.attentionDropoutRatio, S / (x.shape[2] ?? 1));

  /** Gradient of layer norm(skipped + dropout(computed + bias)). */
  const residualBackward = (
    dy: Value,
    normal: Value,
    inverseStd: Value,
    gamma: Value,
    key?: Value,
  ): Value[] => {
    const normalized = { normal_RH: widen(normal), inverseStd_R1: inverseStd };
    const { dx_RH, dGamma_H, dBeta_H } = layerNormGradient(dy, normalized, gamma);
    const dComputed = dropHidden(dx_RH, key);
    return [narrow(dx_RH), narrow(dComputed), dGamma_H, dBeta_H, sumColumns(dComputed)];
  };

  return {
    embeddings_forward: (
      words_TH: Value,
      types_TH: Value,
      /** [S, H], or [B, S, H] where they are not those of the row. */
      positions: Value,
      gamma: Value,
      beta: Value,
      key?: Value,
    ): Value[] => {
      const tokens_BSH = ops.reshape(ops.add(words_TH, types_TH), [B, S, H]);
      const sum_TH = ops.reshape(ops.add(tokens_BSH, positions), [B * S, H]);
      const { normal_RH, inverseStd_R1 } = normalize(sum_TH, layerNormEps);
      const hidden = dropHidden(scaleAndShift(normal_RH, gamma, beta), key);
      return [narrow(hidden), narrow(normal_RH), inverseStd_R1];
    },

    /** Gradients of the three embeddings' sum, by token and by position, and of the layer norm. */
    embeddings_backward: (
      dSkipped: Value,
      dComputed: Value,
      normal: Value,
      inverseStd: Value,
      gamma: Value,
      key?: Value,
    ): Value[] => {
      const dy = dropHidden(ops.add(widen(dSkipped), widen(dComputed)), key);
      const normalized = { normal_RH: widen(normal), inverseStd_R1: inverseStd };
      const { dx_RH, dGamma_H, dBeta_H } = layerNormGradient(dy, normalized, gamma);
      return [dx_RH, ops.sum(ops.reshape(dx_RH, [B, S, H]), [0]), dGamma_H, dBeta_H];
    },

    residual_forward: (
      skipped: Value,
      computed: Value,
      bias: Value,
      gamma: Value,
      beta: Value,
      key?: Value,
    ): Value[] => {
      const dropped = dropHidden(ops.add(widen(computed), bias), key);
      const sum_TH = ops.add(dropped, widen(skipped));
      const { normal_RH, inverseStd_R1 } = normalize(sum_TH, layerNormEps);
      const hidden = scaleAndShift(normal_RH, gamma, beta);
      return [narrow(hidden), narrow(normal_RH), inverseStd_R1];
    },

    /** Where the gradient is already one. */
    last_residual_backward: (
      dy: Value,
      normal: Value,
      inverseStd: Value,
      gamma: Value,
      key?: Value,
    ): Value[] => residualBackward(widen(dy), normal, inverseStd, gamma, key),

    residual_backward: (
      dSkipped: Value,
      dComputed: Value,
      normal: Value,
      inverseStd: Value,
      gamma: Value,
      key?: Value,
    ): Value[] => {
      const dy = ops.add(widen(dSkipped), widen(dComputed));
      return residualBackward(dy, normal, inverseStd, gamma, key);
    },

    activation_forward: (x: Value, bias: Value): Value[] => [
      narrow(activation.value(ops.add(widen(x), bias))),
    ],

    activation_backward: (dy: Value, x: Value, bias: Value): Value[] => {
      const dx = ops.mul(widen(dy), activation.slope(ops.add(widen(x), bias)));
      return [narrow(dx), sumColumns(dx)];
    },

    /** Splits the joint projection into heads; queries come out scaled by 1 / sqrt(D). */
    heads_forward: (projected: Value, bias: Value): Value[] => {
      const biased = ops.reshape(ops.add(widen(projected), bias), [B, S, 3, N, D]);
      const [query, key, value] = ops.unstack(ops.transpose(biased, [2, 0, 3, 1, 4])) as [
        Value,
        Value,
        Value,
      ];
      return [narrow(ops.mul(query, scale)), narrow(key), narrow(value)];
    },

    heads_backward: (dQuery: Value, dKey: Value, dValue: Value): Value[] => {
      const scaled = ops.mul(widen(dQuery), scale);
      const [, , numQueries = 0] = dQuery.shape;
      const others = { dtype: 'float32', shape: [B, N, S - numQueries, D] } as const;
      const dQueries =
        numQueries === S ? scaled : ops.concat([scaled, ops.full(scaled.scope, 0, others)], 2);
      const parts = [dQueries, widen(dKey), widen(dValue)];
      const joined = ops.transpose(ops.stack(parts), [1, 3, 0, 2, 4]);
      const dProjected = ops.reshape(joined, [B * S, 3 * H]);
      return [narrow(dProjected), sumColumns(dProjected)];
    },

    softmax_forward: (scores: Value, mask_B1QS: Value, key?: Value): Value[] => {
      const masked = ops.add(widen(scores), mask_B1QS);
      const powers = ops.exp(ops.sub(masked, ops.max(masked, [3], true)));
      const probabilities = ops.div(powers, ops.sum(powers, [3], true));
      return [narrow(probabilities), narrow(dropAttention(probabilities, key))];
    },

    softmax_backward: (dKept: Value, probabilities: Value, key?: Value): Value[] => {
      const p = widen(probabilities);
      const dp = dropAttention(widen(dKept), key);
      const projection = ops.sum(ops.mul(p, dp), [3], true);
      return [narrow(ops.mul(p, ops.sub(dp, projection)))];
    },

    join_heads: (context_BNSD: Value): Value[] => [
      ops.reshape(ops.transpose(context_BNSD, [0, 2, 1, 3]), [-1, H]),
    ],

    split_heads: (context_TH: Value): Value[] => [
      ops.transpose(ops.reshape(context_TH, [B, -1, N, D]), [0, 2, 1, 3]),
    ],

    pooler_forward: (x: Value, bias: Value): Value[] => [narrow(ops.tanh(ops.add(widen(x), bias)))],

    pooler_backward: (dy: Value, pooled: Value): Value[] => {
      const dx = ops.mul(widen(dy), ops.sub(1, ops.square(widen(pooled))));
      return [narrow(dx), sumColumns(dx)];
    },

    transform_forward: (x: Value, bias: Value, gamma: Value, beta: Value): Value[] => {
      const active = activation.value(ops.add(widen(x), bias));
      const { normal_RH, inverseStd_R1 } = normalize(active, layerNormEps);
      const output = scaleAndShift(normal_RH, gamma, beta);
      return [narrow(output), narrow(normal_RH), inverseStd_R1];
    },

    transform_backward: (
      dy: Value,
      x: Value,
      bias: Value,
      normal: Value,
      inverseStd: Value,
      gamma: Value,
    ): Value[] => {
      const normalized = { normal_RH: widen(normal), inverseStd_R1: inverseStd };
      const { dx_RH, dGamma_H, dBeta_H } = layerNormGradient(widen(dy), normalized, gamma);
      const dx = ops.mul(dx_RH, activation.slope(ops.add(widen(x), bias)));
      return [narrow(dx), dGamma_H, dBeta_H, sumColumns(dx)];
    },

    /** Sums of loss and hits, and the gradients of loss * scale by logits and bias. */
    cross_entropy: (
      logits: Value,
      bias: Value,
      labels: Value,
      weights: Value,
      lossScale: Value,
    ): Value[] => {
      const result = crossEntropy(ops.add(widen(logits), bias), labels, weights);
      const rowScale_R1 = ops.reshape(ops.mul(weights, lossScale), [-1, 1]);
      const dLogits = ops.mul(result.gradient_RC, rowScale_R1);
      return [result.loss, result.hits, narrow(dLogits), sumColumns(dLogits)];
    },

    cross_entropy_sums: (logits: Value, bias: Value, labels: Value, weights: Value): Value[] => {
      const { loss, hits } = crossEntropy(ops.add(widen(logits), bias), labels, weights);
      return [loss, hits];
    },
  };
}
