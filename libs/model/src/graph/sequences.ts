// Shapes: B rows, S tokens, Q tokens that ask, T = B S.
import { sequenceColumn } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import { column, type StepContext } from './step-context.ts';

/** Of a batch whose rows may have several sequences. */
export interface Sequences {
  /** 1 where two tokens of a row are of the same sequence. */
  readonly same_B1SS: Value;
  /** How many tokens of its sequence stand before each token. */
  readonly positions_T: Value;
}

/** Undefined where each row is one sequence. */
export function sequencesOf({ graph, shape, columns }: StepContext): Sequences | undefined {
  const ids = columns[sequenceColumn.name];
  if (ids === undefined) return undefined;
  const { batchSize: B, maxSeqLength: S } = shape;
  const isSame_B1SS = ops.equal(ops.reshape(ids, [B, 1, S, 1]), ops.reshape(ids, [B, 1, 1, S]));
  const same_B1SS = ops.cast(isSame_B1SS, 'float32');
  const places = ops.range(graph, S);
  const isBefore_SS = ops.greater(ops.reshape(places, [S, 1]), ops.reshape(places, [1, S]));
  const numBefore_B1S = ops.sum(ops.mul(same_B1SS, ops.cast(isBefore_SS, 'float32')), [3]);
  return {
    same_B1SS,
    positions_T: ops.reshape(ops.cast(numBefore_B1S, 'int32'), [-1]),
  };
}

/** 0 for tokens that a token sees, -10000 for padding and other sequences: [B, 1, Q, S], Q = 1 where each row is one sequence. */
export function attentionMask(context: StepContext, sequences: Sequences | undefined): Value {
  const { batchSize: B, maxSeqLength: S } = context.shape;
  const tokens = ops.reshape(ops.cast(column(context, 'inputMask'), 'float32'), [B, 1, 1, S]);
  const seen = sequences === undefined ? tokens : ops.mul(sequences.same_B1SS, tokens);
  return ops.mul(ops.sub(1, seen), -10_000);
}
