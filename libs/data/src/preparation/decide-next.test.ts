import {
  datasetJobSchema,
  type DatasetFlowJob,
  type DatasetJob,
  type JobFlow,
  type Plan,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { decideNext, type DatasetRequest } from './decide-next.ts';
import {
  assembledKey,
  leftOutKey,
  manifestKeyOf,
  surveyKey,
  textListKey,
  tokenisedKey,
  wordsKey,
} from './keys.ts';
import type { JobAnswers, WhatIsThere } from './what-is-there.ts';

const [planId, requestId, datasetId] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
];

function requestOf(settings: object = {}): DatasetRequest {
  const request: DatasetJob = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { path: '/corpus' },
    vocabulary: {},
    numShards: 2,
    seed: 1,
    askedAtMs: 7,
    ...settings,
  });
  return { request, requestId, keepsText: false };
}

function planOf(numChunks: number): Plan {
  return {
    format: 'berth-plan/1',
    planId,
    corpus: requestOf().request.corpus,
    numFiles: 1,
    numBytes: numChunks,
    leftOut: { numEntries: 0, first: [] },
    chunkBytes: Array.from({ length: numChunks }, () => 1),
    numShards: 2,
    textRules: { unicode: '15', icu: '74' },
  };
}

const nothing: WhatIsThere = { keys: new Set() };

function askedFor(
  request: DatasetRequest,
  answers: JobAnswers,
  there: WhatIsThere,
): { root: DatasetFlowJob; stage: string; jobs: DatasetFlowJob[] } {
  const next = decideNext(request, answers, there);
  if (next.kind !== 'ask') throw new Error('it is all there');
  const jobsOf = ({ job, after = [] }: JobFlow<DatasetFlowJob>): DatasetFlowJob[] => [
    ...after.flatMap(jobsOf),
    job,
  ];
  return { root: next.flow.job, stage: next.stage, jobs: jobsOf(next.flow) };
}

describe('what is asked for next', () => {
  it('is an inventory first, then words and their sums up to the vocabulary', () => {
    expect(askedFor(requestOf(), {}, nothing)).toMatchObject({
      root: { kind: 'inventory', requestId, askedAtMs: 7 },
      stage: 'inventory',
    });
    const { root, jobs, stage } = askedFor(
      requestOf(),
      { planId },
      { ...nothing, plan: planOf(300) },
    );
    expect(root).toMatchObject({ kind: 'vocabulary', planId });
    expect(stage).toBe('survey');
    const num = (kind: string, level?: number): number =>
      jobs.filter(
        (job) =>
          job.kind === kind && (level === undefined || ('level' in job && job.level === level)),
      ).length;
    expect([
      num('survey'),
      num('mergeCounts', 1),
      num('mergeCounts', 2),
      num('mergeCounts', 3),
    ]).toEqual([300, 19, 2, 1]);
    expect(jobs).toHaveLength(300 + 22 + 1);
  });

  it('is only what is not there', () => {
    const plan = planOf(40);
    const keys = new Set(
      plan.chunkBytes.flatMap((_, chunk) => [
        surveyKey(planId, chunk),
        ...(chunk === 17 ? [] : [wordsKey(planId, 'uncased', 0, chunk)]),
      ]),
    );
    keys.add(wordsKey(planId, 'uncased', 1, 0));
    const { jobs } = askedFor(requestOf(), { planId }, { plan, keys });
    expect(
      jobs.map(({ kind, ...job }) => [
        kind,
        'chunk' in job ? job.chunk : 'index' in job ? job.index : 0,
      ]),
    ).toEqual([
      ['survey', 17],
      ['mergeCounts', 1],
      ['mergeCounts', 2],
      ['mergeCounts', 0],
      ['vocabulary', 0],
    ]);
  });

  it('needs no words for sums that are there, nor for a vocabulary that is given', () => {
    const plan = planOf(20);
    const surveys = plan.chunkBytes.map((_, chunk) => surveyKey(planId, chunk));
    const keys = new Set([...surveys, wordsKey(planId, 'uncased', 2, 0)]);
    const trained = askedFor(requestOf(), { planId }, { plan, keys });
    expect(trained).toMatchObject({ stage: 'vocabulary', jobs: [{ kind: 'vocabulary' }] });
    const given = requestOf({ vocabulary: { path: '/vocab.txt', doLowerCase: false } });
    const hashed = askedFor(given, { planId }, { plan, keys: new Set(surveys.slice(1)) });
    expect(hashed.jobs).toEqual([
      { kind: 'survey', runId: 'r', planId, chunk: 0 },
      { kind: 'vocabulary', runId: 'r', planId, requestId },
    ]);
    const extended = requestOf({
      vocabulary: { path: '/vocab.txt', doLowerCase: false, extend: 10 },
    });
    expect(askedFor(extended, { planId }, { plan, keys }).jobs[0]).toMatchObject({
      words: 'cased',
    });
  });

  it('compares with a known dataset before words are counted', () => {
    const known = { manifestKey: manifestKeyOf(datasetId), isTrainedOn: true };
    const there = { plan: planOf(2), keys: new Set<string>() };
    const first = askedFor(requestOf({ known }), { planId }, there);
    expect(first.root).toMatchObject({ kind: 'compare' });
    expect(first.jobs.every((job) => !('words' in job))).toBe(true);
    const then = askedFor(requestOf({ known }), { planId, differs: true }, there);
    expect(then.root).toMatchObject({ kind: 'vocabulary' });
  });

  it('has text stored where workers do not see it, and surveys done before for that alone', () => {
    const plan = planOf(2);
    const keys = new Set([
      ...[0, 1].flatMap((chunk) => [
        surveyKey(planId, chunk),
        wordsKey(planId, 'uncased', 0, chunk),
      ]),
      textListKey(planId, 1),
    ]);
    const { jobs } = askedFor({ ...requestOf(), keepsText: true }, { planId }, { plan, keys });
    expect(jobs[0]).toMatchObject({ kind: 'survey', chunk: 0, keepsText: true });
    expect(jobs.filter(({ kind }) => kind === 'survey')).toHaveLength(1);
  });

  it('is tokens, then shards, then the end', () => {
    const plan = planOf(3);
    const keys = new Set([tokenisedKey(datasetId, 1)]);
    const tokens = askedFor(requestOf(), { planId }, { plan, datasetId, keys });
    expect(tokens.jobs.map((job) => ('chunk' in job ? job.chunk : job.kind))).toEqual([
      0,
      2,
      'split',
    ]);
    const split = {
      format: 'berth-split/1' as const,
      numTrainShards: 2,
      numHeldOutShards: 1,
      shardsPerPart: 2,
      numRuns: [1, 1, 1],
    };
    const some = new Set([assembledKey(datasetId, 'train', 0)]);
    const shards = askedFor(requestOf(), { planId }, { plan, datasetId, split, keys: some });
    expect(
      shards.jobs.map((job) => ('shard' in job ? `${job.split} ${job.shard}` : job.kind)),
    ).toEqual(['train 1', 'heldOut 0', 'seal']);
    const asked = { ...plan, corpus: { ...plan.corpus, nearDuplicates: 0.8 } };
    const compared = { plan: asked, datasetId, split, keys: new Set<string>() };
    expect(askedFor(requestOf(), { planId }, compared)).toMatchObject({
      stage: 'nearDuplicates',
      jobs: [{ kind: 'nearDuplicates', datasetId }],
    });
    compared.keys.add(leftOutKey(datasetId));
    expect(askedFor(requestOf(), { planId }, compared).root).toMatchObject({ kind: 'seal' });
    const manifestKey = manifestKeyOf(datasetId);
    const words = new Set([wordsKey(planId, 'uncased', 0, 1)]);
    expect(
      askedFor(requestOf(), { planId }, { plan, datasetId, manifestKey, keys: words }),
    ).toMatchObject({
      jobs: [{ kind: 'seal' }],
    });
    const sealed = { plan, datasetId, manifestKey, keys: new Set<string>() };
    expect(decideNext(requestOf(), { planId }, sealed)).toEqual({ kind: 'there', manifestKey });
  });

  it('begins with what takes longest', () => {
    const chunkBytes = Array.from({ length: 40 }, (_, chunk) => (chunk === 37 ? 9 : 1));
    const plan = { ...planOf(40), chunkBytes };
    const chunksOf = (state: Partial<WhatIsThere>): number[] =>
      askedFor(requestOf(), { planId }, { ...nothing, plan, ...state }).jobs.flatMap((job) =>
        'chunk' in job ? [job.chunk] : [],
      );
    const inOrder = [...chunkBytes.keys()].filter((chunk) => chunk !== 37);
    expect(chunksOf({ datasetId })).toEqual([37, ...inOrder]);
    const surveys = chunksOf({});
    expect(surveys[0]).toBe(37);
    expect(surveys.toSorted((a, b) => a - b)).toEqual([...chunkBytes.keys()]);
  });

  it('fits into a kilobyte a job', () => {
    const { jobs } = askedFor(
      requestOf({ runId: 'r'.repeat(63) }),
      { planId },
      { ...nothing, plan: planOf(40) },
    );
    for (const job of jobs) expect(JSON.stringify(job).length).toBeLessThan(1_024);
  });
});
