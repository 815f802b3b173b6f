import {
  parseRunConfig,
  type JobNote,
  type Plan,
  type PreparationProgress,
  type PreparationStage,
  type Split,
  type StageProgress,
} from '@berth/contracts';
import { surveyKey, type WhatIsThere } from '@berth/data';
import { describe, expect, it } from 'vitest';
import { recordedChunkBytes, recordedPreparation } from '../../testing/recorded-preparation.ts';
import { PreparationMeter } from './preparation-meter.ts';

const [planId, datasetId] = ['a'.repeat(64), 'b'.repeat(64)];
const plan: Plan = {
  format: 'berth-plan/1',
  planId,
  corpus: parseRunConfig({ name: 'r', corpus: { path: '/corpus' } }, 'test').corpus!,
  numFiles: 8,
  numBytes: recordedChunkBytes.reduce((sum, bytes) => sum + bytes, 0),
  leftOut: { numEntries: 0, first: [] },
  chunkBytes: [...recordedChunkBytes],
  numShards: 2,
  textRules: { unicode: '15', icu: '74' },
};
const endMs = recordedPreparation.at(-1)![0];

/** What is under way, and what was there when it was asked for, by which jobs are done. */
function askedFor(notes: ReadonlyMap<string, JobNote>): [PreparationStage, WhatIsThere] {
  const isDone = (job: string): boolean => notes.get(job)?.isDone === true;
  const keys = new Set<string>();
  if (!isDone('inventory')) return ['inventory', { keys }];
  if (!isDone('vocabulary')) return ['survey', { plan, keys }];
  if (!isDone('split')) return ['tokenise', { plan, datasetId, keys }];
  const numTrainShards = recordedPreparation.filter(
    ([, job, , , done]) => done && job.startsWith('assemble/train/'),
  ).length;
  const split: Split = {
    format: 'berth-split/1',
    numTrainShards,
    numHeldOutShards: 1,
    shardsPerPart: numTrainShards / recordedChunkBytes.length,
    numRuns: [],
  };
  return ['assemble', { plan, datasetId, split, keys }];
}

function looks(): { readonly atMs: number; readonly progress: PreparationProgress }[] {
  const meter = new PreparationMeter();
  const notes = new Map<string, JobNote>();
  return recordedPreparation.map(([atMs, job, numBytes, numDocuments, isDone]) => {
    notes.set(job, { numBytes, numDocuments, isDone });
    const [stage, there] = askedFor(notes);
    const seen = {
      there,
      words: 'uncased',
      notes,
      stage,
      nowMs: atMs,
      numWorkersBusy: 1,
      isReady: false,
    } as const;
    return { atMs, progress: meter.look(seen) };
  });
}

const shareOf = ({ state, numDone, numJobs, numBytesDone, numBytes }: StageProgress): number =>
  state === 'done'
    ? 1
    : numBytesDone !== null && numBytes !== null
      ? numBytesDone / numBytes
      : numDone / (numJobs ?? Infinity);

describe('how far a dataset is', () => {
  it('never goes back, stage by stage, and comes to the end of each', () => {
    let before = [0, 0, 0, 0, 0];
    for (const { progress } of looks()) {
      const shares = progress.stages.map(shareOf);
      for (const [index, share] of shares.entries()) {
        expect(share).toBeGreaterThanOrEqual(before[index]!);
        expect(share).toBeLessThanOrEqual(1);
      }
      before = shares;
    }
    expect(before).toEqual([1, 1, 1, 1, 1]);
  });

  it('tells the time that is left within a factor of two, of a run as it was', () => {
    const told = looks().flatMap(({ atMs, progress: { etaMs } }) =>
      etaMs === null || endMs - atMs < 1_000 ? [] : [etaMs / (endMs - atMs)],
    );
    expect(told.length).toBeGreaterThan(recordedPreparation.length / 2);
    expect(Math.min(...told)).toBeGreaterThan(0.5);
    expect(Math.max(...told)).toBeLessThan(2);
  });

  it('goes on from what the bucket has where Redis has lost the rest, without a number of documents', () => {
    const keys = new Set([0, 1].map((chunk) => surveyKey(planId, chunk)));
    const { stages, etaMs } = new PreparationMeter().look({
      there: { plan, keys },
      words: undefined,
      notes: new Map(),
      stage: 'survey',
      nowMs: 5,
      numWorkersBusy: 2,
      isReady: false,
    });
    const numBytesDone = recordedChunkBytes[0]! + recordedChunkBytes[1]!;
    expect(stages[1]).toMatchObject({ numDone: 2, numBytesDone, numDocuments: null });
    expect([etaMs, stages[1]?.bytesPerSecond]).toEqual([null, null]);
  });
});
