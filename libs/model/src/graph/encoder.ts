// Shapes: B examples, S tokens, Q of them that ask, T = B S, H hidden, F feed-forward, N heads, D = H / N.
import { ops, type Value } from '@berth/graph';
import { dropoutSites } from '../eager/dropout.ts';
import { jointName } from './graph-parameters.ts';
import { callBlock, matrix, weight, type StepContext } from './step-context.ts';

/** Gradients by the graph's parameter names. */
export type Gradients = Map<string, Value>;

/** Which tokens a layer's output is computed of: the first of each example may be all that is read of it. */
export type OutputTokens = 'all' | 'first';

/** What a layer's backward pass needs of its forward pass. With first tokens only, what is not its input is of these. */
interface LayerTape {
  readonly tokens: OutputTokens;
  readonly input_TH: Value;
  readonly heads: readonly [query: Value, key: Value, value: Value];
  readonly probabilities: Value;
  readonly kept: Value;
  readonly context_TH: Value;
  readonly attention: Norm;
  readonly middle_TH: Value;
  readonly inner_TF: Value;
  readonly active_TF: Value;
  readonly output: Norm;
}

type Norm = readonly [normal: Value, inverseStd: Value];

/** Gradient of a layer's output: along the skipping path and along the computed one. */
export interface HiddenGradient {
  readonly skipped: Value;
  readonly computed: Value | undefined;
}

export interface LayerForward {
  readonly hidden_TH: Value;
  readonly tape: LayerTape;
}

/**
 * Attention, then feed-forward, each with dropout, residual and layer norm. Keys and values are those of all tokens.
 * @param tokens - of which the output is
 */
export function layerForward(
  context: StepContext,
  layer: number,
  input_TH: Value,
  mask_B1QS: Value,
  tokens: OutputTokens,
): LayerForward {
  const { attentionDropoutRatio, hiddenDropoutRatio } = context.config;
  const names = layerNames(layer);
  const projected = ops.matMul(input_TH, matrix(context, names.jointKernel));
  const [queries, key, value] = callBlock(
    context,
    'heads_forward',
    projected,
    weight(context, names.jointBias),
  ) as [Value, Value, Value];
  const isFirst = tokens === 'first';
  const [B = 0, N = 0, , D = 0] = queries.shape;
  const query = isFirst ? ops.slice(queries, [0, 0, 0, 0], [B, N, 1, D]) : queries;
  const scores = ops.batchMatMul(query, key, { right: true });
  const softmaxKey = context.keys(
    dropoutSites.attentionProbabilities(layer),
    attentionDropoutRatio,
  );
  const [probabilities, kept] = callBlock(
    context,
    'softmax_forward',
    scores,
    mask_B1QS,
    softmaxKey,
  ) as [Value, Value];
  const [context_TH] = callBlock(context, 'join_heads', ops.batchMatMul(kept, value)) as [Value];
  const attended = ops.matMul(context_TH, matrix(context, `${names.attention}/dense/kernel`));
  const attentionKey = context.keys(dropoutSites.attentionOutput(layer), hiddenDropoutRatio);
  const [middle_TH, ...attention] = callBlock(
    context,
    'residual_forward',
    isFirst ? ops.gatherRows(input_TH, firstRows(context)) : input_TH,
    attended,
    ...normWeights(context, names.attention),
    attentionKey,
  ) as [Value, Value, Value];
  const inner_TF = ops.matMul(middle_TH, matrix(context, `${names.inner}/kernel`));
  const innerBias = weight(context, `${names.inner}/bias`);
  const [active_TF] = callBlock(context, 'activation_forward', inner_TF, innerBias) as [Value];
  const outer = ops.matMul(active_TF, matrix(context, `${names.output}/dense/kernel`));
  const outputKey = context.keys(dropoutSites.feedForwardOutput(layer), hiddenDropoutRatio);
  const [hidden_TH, ...output] = callBlock(
    context,
    'residual_forward',
    middle_TH,
    outer,
    ...normWeights(context, names.output),
    outputKey,
  ) as [Value, Value, Value];
  const heads = [query, key, value] as const;
  const tape = { input_TH, heads, probabilities, kept, context_TH, attention, middle_TH } as const;
  return { hidden_TH, tape: { ...tape, tokens, inner_TF, active_TF, output } };
}

/** Adds the layer's gradients and gives that of its input. */
export function layerBackward(
  context: StepContext,
  layer: number,
  tape: LayerTape,
  gradient: HiddenGradient,
  gradients: Gradients,
): HiddenGradient {
  const middle = feedForwardBackward(context, layer, tape, gradient, gradients);
  return attentionBackward(context, layer, tape, middle, gradients);
}

function feedForwardBackward(
  context: StepContext,
  layer: number,
  tape: LayerTape,
  gradient: HiddenGradient,
  gradients: Gradients,
): HiddenGradient {
  const { inner, output } = layerNames(layer);
  const site = dropoutSites.feedForwardOutput(layer);
  const [skipped, dOuter] = residualBackward(
    context,
    output,
    tape.output,
    site,
    gradient,
    gradients,
  );
  const outerKernel = matrix(context, `${output}/dense/kernel`);
  const dActive_TF = ops.matMul(dOuter, outerKernel, { right: true });
  gradients.set(`${output}/dense/kernel`, kernelGradient(tape.active_TF, dOuter));
  const [dInner_TF, dBias] = callBlock(
    context,
    'activation_backward',
    dActive_TF,
    tape.inner_TF,
    weight(context, `${inner}/bias`),
  ) as [Value, Value];
  gradients.set(`${inner}/bias`, dBias);
  gradients.set(`${inner}/kernel`, kernelGradient(tape.middle_TH, dInner_TF));
  const innerKernel = matrix(context, `${inner}/kernel`);
  return { skipped, computed: ops.matMul(dInner_TF, innerKernel, { right: true }) };
}

function attentionBackward(
  context: StepContext,
  layer: number,
  tape: LayerTape,
  gradient: HiddenGradient,
  gradients: Gradients,
): HiddenGradient {
  const { attentionDropoutRatio } = context.config;
  const names = layerNames(layer);
  const [query, key, value] = tape.heads;
  const site = dropoutSites.attentionOutput(layer);
  const [skipped, dAttended] = residualBackward(
    context,
    names.attention,
    tape.attention,
    site,
    gradient,
    gradients,
  );
  const kernel = matrix(context, `${names.attention}/dense/kernel`);
  const dContext_TH = ops.matMul(dAttended, kernel, { right: true });
  gradients.set(`${names.attention}/dense/kernel`, kernelGradient(tape.context_TH, dAttended));
  const [dContext] = callBlock(context, 'split_heads', dContext_TH) as [Value];
  const dKept = ops.batchMatMul(dContext, value, { right: true });
  const dValue = ops.batchMatMul(tape.kept, dContext, { left: true });
  const softmaxKey = context.keys(
    dropoutSites.attentionProbabilities(layer),
    attentionDropoutRatio,
  );
  const [dScores] = callBlock(
    context,
    'softmax_backward',
    dKept,
    tape.probabilities,
    softmaxKey,
  ) as [Value];
  const dQuery = ops.batchMatMul(dScores, key);
  const dKey = ops.batchMatMul(dScores, query, { left: true });
  const [dProjected, dBias] = callBlock(context, 'heads_backward', dQuery, dKey, dValue) as [
    Value,
    Value,
  ];
  gradients.set(names.jointBias, dBias);
  gradients.set(names.jointKernel, kernelGradient(tape.input_TH, dProjected));
  const computed = ops.matMul(dProjected, matrix(context, names.jointKernel), { right: true });
  if (tape.tokens === 'all') return { skipped, computed };
  const [numTokens = 0] = tape.input_TH.shape;
  const rows = firstRows(context);
  return {
    skipped: ops.sumRowsByNumber(ops.cast(skipped, 'float32'), rows, numTokens),
    computed,
  };
}

/** Numbers of the rows [T, ...] that are of first tokens. */
export function firstRows({ graph, shape }: StepContext): Value {
  return ops.mul(ops.range(graph, shape.batchSize), shape.maxSeqLength);
}

/** Adds the gradients of bias and layer norm; gives those of the skipped and of the computed path. */
function residualBackward(
  context: StepContext,
  scope: string,
  norm: Norm,
  site: number,
  { skipped, computed }: HiddenGradient,
  gradients: Gradients,
): [Value, Value] {
  const name = computed === undefined ? 'last_residual_backward' : 'residual_backward';
  const gamma = weight(context, `${scope}/LayerNorm/gamma`);
  const key = context.keys(site, context.config.hiddenDropoutRatio);
  const [dSkipped, dComputed, dGamma, dBeta, dBias] = callBlock(
    context,
    name,
    skipped,
    computed,
    ...norm,
    gamma,
    key,
  ) as [Value, Value, Value, Value, Value];
  gradients.set(`${scope}/LayerNorm/gamma`, dGamma);
  gradients.set(`${scope}/LayerNorm/beta`, dBeta);
  gradients.set(`${scope}/dense/bias`, dBias);
  return [dSkipped, dComputed];
}

/** Of x kernel by the kernel, in float32. */
export function kernelGradient(x: Value, dy: Value): Value {
  return ops.cast(ops.matMul(x, dy, { left: true }), 'float32');
}

function normWeights(context: StepContext, scope: string): [Value, Value, Value] {
  return [
    weight(context, `${scope}/dense/bias`),
    weight(context, `${scope}/LayerNorm/gamma`),
    weight(context, `${scope}/LayerNorm/beta`),
  ];
}

function layerNames(
  layer: number,
): Record<'attention' | 'inner' | 'output' | 'jointKernel' | 'jointBias', string> {
  const scope = `bert/encoder/layer_${layer}`;
  return {
    attention: `${scope}/attention/output`,
    inner: `${scope}/intermediate/dense`,
    output: `${scope}/output`,
    jointKernel: jointName(`${scope}/attention/self`, 'kernel'),
    jointBias: jointName(`${scope}/attention/self`, 'bias'),
  };
}
