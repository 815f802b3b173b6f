import {
  allocateBatch,
  columnOf,
  tasks,
  type ExampleBatch,
  type GradientRequest,
  type Task,
  type TrainingEngine,
} from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { eye, ones, tensor4d, tidy, type Rank } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { attention } from '../../blocks/attention.ts';
import { createEagerEngine } from '../../eager/eager-engine.ts';
import { uploadBatch } from '../../eager/batch-tensors.ts';
import { createGraphEngine } from '../../graph/graph-engine.ts';
import { optionsOf } from '../../testing/engine-variants.ts';
import { relativeError } from '../../testing/golden.ts';
import { taskModels } from '../index.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const maxSeqLength = 16;
const maxPredictions = 5;

interface Sequence {
  readonly ids: readonly number[];
  readonly masked: readonly (readonly [position: number, id: number])[];
}

/** Three in the first row, two in the second, which they do not fill. */
const rows: readonly (readonly Sequence[])[] = [
  [
    { ids: [2, 17, 4, 33, 58, 9, 71, 3], masked: [[2, 40], [5, 9]] }, // prettier-ignore
    { ids: [2, 80, 4, 12, 3], masked: [[2, 61]] },
    { ids: [2, 4, 3], masked: [[1, 44]] },
  ],
  [
    { ids: [2, 90, 21, 4, 4, 35, 7, 7, 3], masked: [[3, 20], [4, 21]] }, // prettier-ignore
    { ids: [2, 4, 62, 50, 3], masked: [[1, 11], [3, 50]] }, // prettier-ignore
  ],
];

/** Rows of sequences, one behind the other. */
function batchOf(task: Task, sequences: readonly (readonly Sequence[])[]): ExampleBatch {
  const shape = { batchSize: sequences.length, maxSeqLength, maxPredictions };
  const batch = allocateBatch(task, shape);
  for (const [row, own] of sequences.entries()) {
    let at = 0;
    let slot = row * maxPredictions;
    for (const [number, { ids, masked }] of own.entries()) {
      const first = row * maxSeqLength + at;
      columnOf(batch, 'inputIds').set(ids, first);
      columnOf(batch, 'inputMask').fill(1, first, first + ids.length);
      batch.columns['sequenceIds']?.fill(number, first, first + ids.length);
      for (const [position, id] of masked) {
        columnOf(batch, 'maskedPositions')[slot] = at + position;
        columnOf(batch, 'maskedIds')[slot] = id;
        columnOf(batch, 'maskedWeights')[slot++] = 1;
      }
      at += ids.length;
    }
  }
  return batch;
}

function engineOf(
  kind: 'eager' | 'graph',
  name: 'maskedLm' | 'packedMaskedLm',
  batchSize: number,
): TrainingEngine {
  const options = { ...optionsOf({}), task: taskModels[name] };
  const shape = { batchSize, maxSeqLength, maxPredictions };
  const engine =
    kind === 'eager'
      ? createEagerEngine(options)
      : createGraphEngine({ ...options, tensorFlow, shape });
  engine.initialize(7);
  return engine;
}

function requestOf(batch: ExampleBatch): GradientRequest {
  return {
    step: 0,
    block: { start: 0, length: 1 },
    ranks: [{ virtualRank: 0, microBatches: [batch] }],
    lossScales: { masked_lm: 1 / 8 },
  };
}

const alone = batchOf(
  tasks.maskedLm,
  rows.flat().map((sequence) => [sequence]),
);
const packed = batchOf(tasks.packedMaskedLm, rows);

describe.each(['eager', 'graph'] as const)('rows of several sequences: %s', (kind) => {
  const engine = engineOf(kind, 'packedMaskedLm', rows.length);

  it('have the loss, sums and gradient of their sequences in rows of their own', () => {
    const reference = engineOf('eager', 'maskedLm', rows.flat().length);
    const expected = reference.computeGradients(requestOf(alone)) as Float32Array;
    const found = engine.computeGradients(requestOf(packed)) as Float32Array;
    expect(engine.layout).toEqual(reference.layout);
    const { numParameters } = reference;
    const gradients = [found, expected].map((vector) => vector.slice(0, numParameters));
    expect(relativeError(gradients[0]!, gradients[1]!)).toBeLessThan(2e-6);
    const sums = [engine.evaluate(packed), reference.evaluate(alone)];
    for (const sum of ['maskedLmLoss', 'maskedLmCorrect', 'maskedWeight', 'numTokens'])
      expect(relativeError([sums[0]![sum]!], [sums[1]![sum]!])).toBeLessThan(2e-6);
    for (const { name, offset, size } of engine.layout.filter((one) => /position/.test(one.name)))
      expect([
        name,
        relativeError(
          found.slice(offset, offset + size),
          expected.slice(offset, offset + size),
        ) < 2e-6, // prettier-ignore
      ]).toEqual([name, true]);
    reference.dispose();
  });

  it('have the very bits that they have whatever else is in the row', () => {
    const others = rows.map((row) =>
      row.map((sequence, index) =>
        index === 1 ? { ...sequence, ids: sequence.ids.map((id) => 96 - id) } : sequence,
      ),
    );
    const logitsOf = (batch: ExampleBatch): Float32Array =>
      engine.predict(batch)['maskedLmLogits']!;
    const [before, after] = [packed, batchOf(tasks.packedMaskedLm, others)].map(logitsOf);
    const slotsOf = (wanted: (index: number) => boolean): number[] =>
      rows.flatMap((row, at) =>
        row
          .flatMap(({ masked }, index) => masked.map(() => index))
          .flatMap((index, slot) => (wanted(index) ? [at * maxPredictions + slot] : [])),
      );
    const logitsAt = (logits: Float32Array, slot: number): Float32Array =>
      logits.subarray(97 * slot, 97 * (slot + 1));
    for (const slot of slotsOf((index) => index !== 1))
      expect(logitsAt(after!, slot)).toEqual(logitsAt(before!, slot));
    for (const slot of slotsOf((index) => index === 1))
      expect(logitsAt(after!, slot)).not.toEqual(logitsAt(before!, slot));
  });

  it('are one sequence where nothing says otherwise', () => {
    const single = batchOf(tasks.packedMaskedLm, [[rows[0]![0]!], [rows[1]![0]!]]);
    const { sequenceIds: _ids, ...columns } = single.columns;
    const plain = engineOf(kind, 'maskedLm', 2);
    const expected = plain.predict({ ...single, columns })['maskedLmLogits']!;
    expect(relativeError(engine.predict(single)['maskedLmLogits']!, expected)).toBeLessThan(2e-6);
    plain.dispose();
  });
});

it('the attention between sequences, and to padding, is 0', () => {
  const probabilities = tidy(() => {
    const S = maxSeqLength;
    const values = tensor4d(eye(S).dataSync(), [1, 1, S, S]);
    const own = ones<Rank.R4>([1, 1, S, S]);
    const all = attention({
      query_BNSD: own,
      key_BNSD: own,
      value_BNSD: values,
      bias_B1QS: uploadBatch(batchOf(tasks.packedMaskedLm, [rows[1]!])).attentionBias_B1QS,
      dropoutMask_BNSS: undefined,
    });
    return all.dataSync() as Float32Array;
  });
  const lengths = rows[1]!.map(({ ids }) => ids.length);
  const [first = 0, second = 0] = lengths;
  for (let token = 0; token < first + second; token++) {
    const [from, to] = token < first ? [0, first] : [first, first + second];
    const expected = Array.from({ length: maxSeqLength }, (_, seen) =>
      seen >= from && seen < to ? Math.fround(1 / (to - from)) : 0,
    );
    const row = probabilities.slice(token * maxSeqLength, (token + 1) * maxSeqLength);
    expect(row.map((value) => Number(value === 0))).toEqual(
      Float32Array.from(expected, (value) => Number(value === 0)),
    );
    expect(relativeError(row, expected)).toBeLessThan(1e-6);
  }
});
