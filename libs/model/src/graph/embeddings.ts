// Shapes: S tokens, T = B S, H hidden, V vocabulary.
import { ops, type Value } from '@berth/graph';
import { dropoutSites } from '../eager/dropout.ts';
import type { Gradients, HiddenGradient } from './encoder.ts';
import type { Sequences } from './sequences.ts';
import { callBlock, column, weight, type StepContext } from './step-context.ts';

const scope = 'bert/embeddings';
const words = `${scope}/word_embeddings`;
const types = `${scope}/token_type_embeddings`;
const positions = `${scope}/position_embeddings`;

export type Embedded = readonly [hidden_TH: Value, normal: Value, inverseStd: Value];

/** The sum of the three embeddings, normalised. */
export function embed(context: StepContext, sequences: Sequences | undefined): Embedded {
  const { config, shape } = context;
  const { batchSize: B, maxSeqLength: S } = shape;
  const { hiddenSize: H } = config;
  const table = weight(context, positions);
  return callBlock(
    context,
    'embeddings_forward',
    ops.gatherRows(weight(context, words), flatColumn(context, 'inputIds')),
    ops.gatherRows(weight(context, types), flatColumn(context, 'segmentIds')),
    sequences === undefined
      ? ops.slice(table, [0, 0], [S, H])
      : ops.reshape(ops.gatherRows(table, sequences.positions_T), [B, S, H]),
    weight(context, `${scope}/LayerNorm/gamma`),
    weight(context, `${scope}/LayerNorm/beta`),
    context.keys(dropoutSites.embeddings, config.hiddenDropoutRatio),
  ) as [Value, Value, Value];
}

/** @param dHead_VH - the word table's gradient from a head that uses it, to which those of the looked up rows are added */
export function embedBackward(
  context: StepContext,
  sequences: Sequences | undefined,
  [, normal, inverseStd]: Embedded,
  { skipped, computed }: HiddenGradient,
  dHead_VH: Value | undefined,
  gradients: Gradients,
): void {
  const { config } = context;
  const [dTokens_TH, dPositions_SH, dGamma, dBeta] = callBlock(
    context,
    'embeddings_backward',
    skipped,
    computed,
    normal,
    inverseStd,
    weight(context, `${scope}/LayerNorm/gamma`),
    context.keys(dropoutSites.embeddings, config.hiddenDropoutRatio),
  ) as [Value, Value, Value, Value];
  const ids_T = flatColumn(context, 'inputIds');
  gradients.set(`${scope}/LayerNorm/gamma`, dGamma);
  gradients.set(`${scope}/LayerNorm/beta`, dBeta);
  gradients.set(
    words,
    dHead_VH === undefined
      ? ops.sumRowsByNumber(dTokens_TH, ids_T, config.vocabSize)
      : ops.addToRows(dHead_VH, ids_T, dTokens_TH),
  );
  gradients.set(
    types,
    ops.sumRowsByNumber(dTokens_TH, flatColumn(context, 'segmentIds'), config.typeVocabSize),
  );
  gradients.set(
    positions,
    sequences === undefined
      ? ops.padRows(dPositions_SH, config.maxPositions)
      : ops.sumRowsByNumber(dTokens_TH, sequences.positions_T, config.maxPositions),
  );
}

function flatColumn(context: StepContext, name: string): Value {
  return ops.reshape(column(context, name), [-1]);
}
