import {
  allocateBatch,
  columnOf,
  tasks,
  type ExampleBatch,
  type GradientRequest,
  type Task,
  type TaskName,
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
  /** Tokens of its first segment. */
  readonly numFirst: number;
  readonly label: number;
  readonly masked: readonly (readonly [position: number, id: number])[];
}

/** Three in the first row, two in the second, which they do not fill. */
const rows: readonly (readonly Sequence[])[] = [
  [
    { ids: [2, 17, 4, 33, 58, 9, 71, 3], numFirst: 4, label: 1, masked: [[2, 40], [5, 9]] }, // oxfmt-ignore
    { ids: [2, 80, 4, 12, 3], numFirst: 3, label: 0, masked: [[2, 61]] },
    { ids: [2, 4, 3], numFirst: 2, label: 1, masked: [[1, 44]] },
  ],
  [
    { ids: [2, 90, 21, 4, 4, 35, 7, 7, 3], numFirst: 6, label: 0, masked: [[3, 20], [4, 21]] }, // oxfmt-ignore
    { ids: [2, 4, 62, 50, 3], numFirst: 2, label: 0, masked: [[1, 11], [3, 50]] }, // oxfmt-ignore
  ],
];

/** Rows of sequences, one behind the other. */
function batchOf(task: Task, sequences: readonly (readonly Sequence[])[]): ExampleBatch {
  const shape = { batchSize: sequences.length, maxSeqLength, maxPredictions };
  const batch = allocateBatch(task, shape);
  for (const [row, own] of sequences.entries()) {
    let at = 0;
    let slot = row * maxPredictions;
    for (const [number, { ids, numFirst, label, masked }] of own.entries()) {
      const first = row * maxSeqLength + at;
      columnOf(batch, 'inputIds').set(ids, first);
      columnOf(batch, 'inputMask').fill(1, first, first + ids.length);
      const { segmentIds, sequenceIds, sequenceStarts, nextSentenceLabels, nextSentenceWeights } =
        batch.columns;
      if (nextSentenceLabels !== undefined)
        segmentIds?.fill(1, first + numFirst, first + ids.length);
      sequenceIds?.fill(number, first, first + ids.length);
      const pair = sequenceStarts === undefined ? row : row * maxPredictions + number;
      sequenceStarts?.fill(at, pair, pair + 1);
      nextSentenceLabels?.fill(label, pair, pair + 1);
      nextSentenceWeights?.fill(1, pair, pair + 1);
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

function engineOf(kind: 'eager' | 'graph', name: TaskName, batchSize: number): TrainingEngine {
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
    lossScales: { masked_lm: 1 / 8, next_sentence: 1 / 5 },
  };
}

const cases = (['eager', 'graph'] as const).flatMap((kind) => [
  { kind, plain: 'maskedLm', packed: 'packedMaskedLm' } as const,
  { kind, plain: 'pretraining', packed: 'packedPretraining' } as const,
]);

describe.each(cases)('rows of several sequences: $kind, $packed', ({ kind, plain, packed }) => {
  const engine = engineOf(kind, packed, rows.length);
  const batch = batchOf(tasks[packed], rows);

  it('have the loss, sums and gradient of their sequences in rows of their own', () => {
    const alone = batchOf(
      tasks[plain],
      rows.flat().map((sequence) => [sequence]),
    );
    const reference = engineOf('eager', plain, rows.flat().length);
    const expected = reference.computeGradients(requestOf(alone)) as Float32Array;
    const found = engine.computeGradients(requestOf(batch)) as Float32Array;
    expect(engine.layout).toEqual(reference.layout);
    const errorOf = (from: number, to: number): number =>
      relativeError(found.slice(from, to), expected.slice(from, to));
    expect(errorOf(0, reference.numParameters)).toBeLessThan(2e-6);
    const sums = [engine.evaluate(batch), reference.evaluate(alone)];
    for (const sum of tasks[plain].sums.filter((name) => name !== 'numExamples'))
      expect(relativeError([sums[0]![sum]!], [sums[1]![sum]!])).toBeLessThan(2e-6);
    expect(sums[0]!['numExamples']).toBe(2);
    const numSequences = { maskedLm: undefined, pretraining: 5 }[plain];
    expect(sums[0]!['numSequences']).toBe(numSequences);
    const positions = engine.layout.find(({ name }) => name.includes('position'))!;
    expect(errorOf(positions.offset, positions.offset + positions.size)).toBeLessThan(2e-6);
    reference.dispose();
  });

  it('have the very bits that they have whatever else is in the row', () => {
    const others = rows.map((row) =>
      row.map((sequence, index) =>
        index === 1 ? { ...sequence, ids: sequence.ids.map((id) => 96 - id) } : sequence,
      ),
    );
    const [before, after] = [batch, batchOf(tasks[packed], others)].map((one) =>
      engine.predict(one),
    );
    const slotsOf = (perSequence: (sequence: Sequence) => number, isOther: boolean): number[] =>
      rows.flatMap((row, at) =>
        row
          .flatMap((sequence, index) => Array<number>(perSequence(sequence)).fill(index))
          .flatMap((index, slot) =>
            (index === 1) === isOther ? [at * maxPredictions + slot] : [],
          ),
      );
    for (const [name, logits] of Object.entries(before!)) {
      const width = logits.length / (rows.length * maxPredictions);
      const perSequence = (sequence: Sequence): number =>
        name === 'maskedLmLogits' ? sequence.masked.length : 1;
      const rowsOf = (outputs: typeof before, isOther: boolean): Float32Array[] =>
        slotsOf(perSequence, isOther).map((slot) =>
          outputs![name]!.slice(width * slot, width * (slot + 1)),
        );
      expect(rowsOf(after, false)).toEqual(rowsOf(before, false));
      for (const [index, own] of rowsOf(after, true).entries())
        expect(own).not.toEqual(rowsOf(before, true)[index]);
    }
  });

  it('are one sequence where nothing says otherwise', () => {
    const given = [[rows[0]![0]!], [rows[1]![0]!]];
    const unpacked = engineOf('eager', plain, 2);
    const expected = unpacked.predict(batchOf(tasks[plain], given))['maskedLmLogits']!;
    const found = engine.predict(batchOf(tasks[packed], given))['maskedLmLogits']!;
    expect(relativeError(found, expected)).toBeLessThan(2e-6);
    unpacked.dispose();
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
