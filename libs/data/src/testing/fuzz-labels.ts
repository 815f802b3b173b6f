import { allocateBatch, fineTuningTask, sha256Hex, type FineTuning } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildLabelledShard, openLabelledShard } from '../tasks/fine-tuning/labelled-shard.ts';
import type { TaskExample } from '../tasks/fine-tuning/task-example.ts';
import { codeOf } from './fuzz-shards.ts';
import { changes, mutate } from './mutate.ts';

const seed = 20261129;
const maxSeqLength = 8;
const labels = ['x', 'y'];
const shards: readonly (readonly [FineTuning, TaskExample['columns']])[] = [
  [
    { kind: 'classify', labels },
    { labels: 1, labelWeights: 0.5 },
  ],
  [
    { kind: 'classify-many', labels },
    { labels: [0, 1], labelWeights: [1, 2.5] },
  ],
  [{ kind: 'regress' }, { targets: -1.5 }],
  [
    { kind: 'tag', labels },
    { labels: [0, 1, 0, 0], labelWeights: [0, 1, 0.5, 0] },
  ],
  [{ kind: 'answer' }, { startPositions: 2, endPositions: 3 }],
];

/** What the bucket may hold instead of shards of labelled examples. */
export function describeDamagedLabels(numRuns: number): void {
  it.each(shards)(
    `reads ${numRuns} mutated shards of forged digests in their rows, or calls them damaged: %o`,
    (fineTuning, columns) => {
      const builder = buildLabelledShard(fineTuning, maxSeqLength);
      const place = { path: 'rows', at: 'line 1' };
      for (const segment of [2, 3, 4])
        builder.add({ place, ids: [2, 5, 6, 3], numFirstSegment: segment, columns });
      const bytes = builder.bytes('ab'.repeat(32));
      fc.assert(
        fc.property(changes, (list) => {
          const mutant = mutate(bytes, list);
          expect([undefined, 'DATA_SHARD_CORRUPT']).toContain(
            codeOf(() => copyAll(fineTuning, mutant)),
          );
        }),
        { numRuns, seed },
      );
    },
  );
}

/** Each example over the middle of three rows: all of that is written, and nothing else. */
function copyAll(fineTuning: FineTuning, bytes: Uint8Array): void {
  const reader = openLabelledShard(fineTuning, bytes, sha256Hex(bytes));
  const task = fineTuningTask(fineTuning);
  const isSigned = fineTuning.kind === 'regress';
  for (let example = 0; example < reader.numExamples; example++) {
    const batch = allocateBatch(task, { batchSize: 3, maxSeqLength, maxPredictions: 1 });
    for (const column of Object.values(batch.columns)) column.fill(-77);
    reader.copyInto(batch, 1, example);
    for (const column of Object.values(batch.columns)) {
      const size = column.length / 3;
      const isIn = (at: number): boolean => at >= size && at < 2 * size;
      const values = Array.from(column);
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.every((value, at) => isIn(at) || value === -77)).toBe(true);
      expect(values.every((value, at) => !isIn(at) || isSigned || value >= 0)).toBe(true);
    }
    for (const sum of task.sums) expect(reader.countOf(sum, example)).toBeGreaterThanOrEqual(0);
  }
}
