// Shapes: B examples, S tokens, T = B S, H hidden, V vocabulary, R = B P prediction slots.
import { ops, type Value } from '@berth/graph';
import { dropoutSites } from '../../eager/dropout.ts';
import { attentionMask } from '../../graph/batch-inputs.ts';
import {
  kernelGradient,
  layerBackward,
  layerForward,
  type Gradients,
  type HiddenGradient,
  type LayerForward,
} from '../../graph/encoder.ts';
import { callBlock, matrix, weight, type StepContext } from '../../graph/step-context.ts';

const embeddings = 'bert/embeddings';
const words = `${embeddings}/word_embeddings`;
const transform = 'cls/predictions/transform';
const nextSentence = 'cls/seq_relationship';

/** Factors of the two losses in the total. */
export interface LossScaleInputs {
  readonly maskedLm: Value;
  readonly nextSentence: Value;
}

export interface Backward {
  /** Of the scaled loss, by the graph's parameter names, float32. */
  readonly gradients: Gradients;
  /** In the order of `stepSumNames`. */
  readonly sums: Value;
}

interface Forward {
  readonly embedded: readonly [hidden: Value, normal: Value, inverseStd: Value];
  readonly layers: readonly LayerForward[];
  readonly firstRows_B: Value;
  readonly first_BH: Value;
  readonly pooled_BH: Value;
  readonly nextSentenceLogits: Value;
  readonly masked_RH: Value;
  readonly transformed: Value;
  readonly head: readonly [hidden: Value, normal: Value, inverseStd: Value];
  readonly maskedLmLogits: Value;
}

/** The step sums of a forward pass. */
export function evaluationSums(context: StepContext): Value {
  const { batch } = context;
  const { maskedLmLogits, nextSentenceLogits } = forward(context);
  const maskedLm = callBlock(
    context,
    'cross_entropy_sums',
    maskedLmLogits,
    weight(context, 'cls/predictions/output_bias'),
    batch.maskedIds_R,
    batch.maskedWeights_R,
  );
  const next = callBlock(
    context,
    'cross_entropy_sums',
    nextSentenceLogits,
    weight(context, `${nextSentence}/output_bias`),
    batch.nextSentenceLabels_B,
    batch.exampleWeights_B,
  );
  return stepSums(context, maskedLm as [Value, Value], next as [Value, Value]);
}

/** Forward and backward of one micro-batch, by hand: the same sums and gradients as the eager engine's automatic ones. */
export function gradientPass(context: StepContext, scales: LossScaleInputs): Backward {
  const { batch } = context;
  const run = forward(context);
  const gradients: Gradients = new Map();
  const [maskedLmLoss, maskedLmHits, dMaskedLmLogits, dOutputBias] = callBlock(
    context,
    'cross_entropy',
    run.maskedLmLogits,
    weight(context, 'cls/predictions/output_bias'),
    batch.maskedIds_R,
    batch.maskedWeights_R,
    scales.maskedLm,
  ) as [Value, Value, Value, Value];
  const [nextLoss, nextHits, dNextLogits, dNextBias] = callBlock(
    context,
    'cross_entropy',
    run.nextSentenceLogits,
    weight(context, `${nextSentence}/output_bias`),
    batch.nextSentenceLabels_B,
    batch.exampleWeights_B,
    scales.nextSentence,
  ) as [Value, Value, Value, Value];
  gradients.set('cls/predictions/output_bias', dOutputBias);
  gradients.set(`${nextSentence}/output_bias`, dNextBias);

  const dFirst_BH = poolerBackward(context, run, dNextLogits, gradients);
  const dMasked_RH = maskedLmBackward(context, run, dMaskedLmLogits, gradients);
  const rows = ops.concat([batch.maskedRows_R, run.firstRows_B], 0);
  const dRows = ops.concat([dMasked_RH, dFirst_BH], 0);
  const [numTokens = 0] = batch.inputIds_T.shape;
  const dHidden = ops.sumRowsByNumber(ops.cast(dRows, 'float32'), rows, numTokens);

  let gradient: HiddenGradient = { skipped: dHidden, computed: undefined };
  for (const [layer, { tape }] of [...run.layers.entries()].reverse())
    gradient = layerBackward(context, layer, tape, gradient, gradients);
  embeddingsBackward(
    context,
    run,
    gradient,
    kernelGradient(dMaskedLmLogits, run.head[0]),
    gradients,
  );
  const sums = stepSums(context, [maskedLmLoss, maskedLmHits], [nextLoss, nextHits]);
  return { gradients, sums };
}

function forward(context: StepContext): Forward {
  const { batch, config, shape } = context;
  const { batchSize: B, seqLength: S } = shape;
  const embedded = callBlock(
    context,
    'embeddings_forward',
    ops.gatherRows(weight(context, words), batch.inputIds_T),
    ops.gatherRows(weight(context, `${embeddings}/token_type_embeddings`), batch.segmentIds_T),
    ops.slice(weight(context, `${embeddings}/position_embeddings`), [0, 0], [S, config.hiddenSize]),
    weight(context, `${embeddings}/LayerNorm/gamma`),
    weight(context, `${embeddings}/LayerNorm/beta`),
    context.keys(dropoutSites.embeddings, config.hiddenDropoutRatio),
  ) as [Value, Value, Value];
  const mask_B11S = attentionMask(batch);
  const layers: LayerForward[] = [];
  let [hidden_TH] = embedded;
  for (let layer = 0; layer < config.numLayers; layer++) {
    const result = layerForward(context, layer, hidden_TH, mask_B11S);
    layers.push(result);
    hidden_TH = result.hidden_TH;
  }
  const firstRows_B = ops.mul(ops.range(context.graph, B), S);
  const first_BH = ops.gatherRows(hidden_TH, firstRows_B);
  const [pooled_BH] = callBlock(
    context,
    'pooler_forward',
    ops.matMul(first_BH, matrix(context, 'bert/pooler/dense/kernel')),
    weight(context, 'bert/pooler/dense/bias'),
  ) as [Value];
  const masked_RH = ops.gatherRows(hidden_TH, batch.maskedRows_R);
  const transformed = ops.matMul(masked_RH, matrix(context, `${transform}/dense/kernel`));
  const head = callBlock(
    context,
    'transform_forward',
    transformed,
    weight(context, `${transform}/dense/bias`),
    weight(context, `${transform}/LayerNorm/gamma`),
    weight(context, `${transform}/LayerNorm/beta`),
  ) as [Value, Value, Value];
  const nextWeights = matrix(context, `${nextSentence}/output_weights`);
  return {
    embedded,
    layers,
    firstRows_B,
    first_BH,
    pooled_BH,
    nextSentenceLogits: ops.matMul(pooled_BH, nextWeights, { right: true }),
    masked_RH,
    transformed,
    head,
    maskedLmLogits: ops.matMul(head[0], matrix(context, words), { right: true }),
  };
}

/** Gives the gradient of the first tokens' hidden states. */
function poolerBackward(
  context: StepContext,
  { first_BH, pooled_BH }: Forward,
  dLogits: Value,
  gradients: Gradients,
): Value {
  gradients.set(`${nextSentence}/output_weights`, kernelGradient(dLogits, pooled_BH));
  const dPooled_BH = ops.matMul(dLogits, matrix(context, `${nextSentence}/output_weights`));
  const [dPre_BH, dBias] = callBlock(context, 'pooler_backward', dPooled_BH, pooled_BH) as [
    Value,
    Value,
  ];
  gradients.set('bert/pooler/dense/bias', dBias);
  gradients.set('bert/pooler/dense/kernel', kernelGradient(first_BH, dPre_BH));
  return ops.matMul(dPre_BH, matrix(context, 'bert/pooler/dense/kernel'), { right: true });
}

/** Gives the gradient of the masked positions' hidden states. */
function maskedLmBackward(
  context: StepContext,
  { masked_RH, transformed, head }: Forward,
  dLogits: Value,
  gradients: Gradients,
): Value {
  const [, normal, inverseStd] = head;
  const [dTransformed, dGamma, dBeta, dBias] = callBlock(
    context,
    'transform_backward',
    ops.matMul(dLogits, matrix(context, words)),
    transformed,
    weight(context, `${transform}/dense/bias`),
    normal,
    inverseStd,
    weight(context, `${transform}/LayerNorm/gamma`),
  ) as [Value, Value, Value, Value];
  gradients.set(`${transform}/LayerNorm/gamma`, dGamma);
  gradients.set(`${transform}/LayerNorm/beta`, dBeta);
  gradients.set(`${transform}/dense/bias`, dBias);
  gradients.set(`${transform}/dense/kernel`, kernelGradient(masked_RH, dTransformed));
  return ops.matMul(dTransformed, matrix(context, `${transform}/dense/kernel`), { right: true });
}

/** The word table's gradient is the decoder's, to which those of the looked up rows are added. */
function embeddingsBackward(
  context: StepContext,
  { embedded }: Forward,
  { skipped, computed }: HiddenGradient,
  dDecoder_VH: Value,
  gradients: Gradients,
): void {
  const { batch, config } = context;
  const [, normal, inverseStd] = embedded;
  const [dTokens_TH, dPositions_SH, dGamma, dBeta] = callBlock(
    context,
    'embeddings_backward',
    skipped,
    computed,
    normal,
    inverseStd,
    weight(context, `${embeddings}/LayerNorm/gamma`),
    context.keys(dropoutSites.embeddings, config.hiddenDropoutRatio),
  ) as [Value, Value, Value, Value];
  gradients.set(`${embeddings}/LayerNorm/gamma`, dGamma);
  gradients.set(`${embeddings}/LayerNorm/beta`, dBeta);
  gradients.set(words, ops.addToRows(dDecoder_VH, batch.inputIds_T, dTokens_TH));
  gradients.set(
    `${embeddings}/token_type_embeddings`,
    ops.sumRowsByNumber(dTokens_TH, batch.segmentIds_T, config.typeVocabSize),
  );
  gradients.set(
    `${embeddings}/position_embeddings`,
    ops.padRows(dPositions_SH, config.maxPositions),
  );
}

function stepSums(
  { batch }: StepContext,
  [maskedLmLoss, maskedLmHits]: readonly [Value, Value],
  [nextLoss, nextHits]: readonly [Value, Value],
): Value {
  return ops.stack([
    maskedLmLoss,
    maskedLmHits,
    ops.sum(batch.maskedWeights_R, [0]),
    nextLoss,
    nextHits,
    ops.sum(batch.exampleWeights_B, [0]),
    ops.sum(ops.cast(batch.inputMask_BS, 'float32'), [0, 1]),
  ]);
}
