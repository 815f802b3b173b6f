import { describe, expect, it } from 'vitest';
import { allocateBatch } from '../../example-batch.ts';
import { lossScalesOf, metricsFromSums } from '../../step-sums.ts';
import { evaluationMetrics } from '../task.ts';
import { haveEntities } from './entity-tags.ts';
import { fineTuningTask, type FineTuning } from './fine-tuning.ts';
import { metricsOfKind } from './metrics-of-kind.ts';

const labels = ['no', 'yes', 'perhaps'];
const all: readonly FineTuning[] = [
  { kind: 'classify', labels },
  { kind: 'classify-many', labels },
  { kind: 'regress' },
  { kind: 'tag', labels },
  { kind: 'answer' },
];
const shape = { batchSize: 2, maxSeqLength: 5, maxPredictions: 1 };

describe.each(all)('the task of $kind', (fineTuning) => {
  const task = fineTuningTask(fineTuning);

  it('has the sums that its losses and metrics are means of', () => {
    const means = [...task.losses, ...task.metrics];
    const named = means.flatMap(({ sum, over }) => [sum, over.sum]);
    expect(named.filter((name) => !task.sums.includes(name))).toEqual([]);
    expect(task.sums).toEqual(expect.arrayContaining(['numExamples', 'numTokens']));
    const metrics = new Set(task.metrics.map(({ name }) => name));
    expect(task.losses.filter(({ name }) => !metrics.has(`${name}_loss`))).toEqual([]);
  });

  it('names metrics that its evaluations have, each once', () => {
    const names = evaluationMetrics(task).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const named = [...task.headlines, task.bestBy, ...task.baselines.map(({ metric }) => metric)];
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
    const possible = metricsOfKind(fineTuning.kind);
    expect(names.filter((name) => !possible.includes(name))).toEqual([]);
  });

  it('has a loss whose terms are scaled by what they count', () => {
    const sums = Object.fromEntries(task.sums.map((name) => [name, 8]));
    expect(metricsFromSums(task, sums).loss).toBe(1);
    const scales = Object.values(lossScalesOf(task, sums));
    expect(8 * scales.reduce((total, scale) => total + scale, 0)).toBe(1);
  });

  it('takes nothing from a step in which nothing has a label', () => {
    const sums = Object.fromEntries(task.sums.map((name) => [name, 0]));
    expect(metricsFromSums(task, sums).loss).toBe(0);
    expect(Object.values(lossScalesOf(task, sums)).every(Number.isFinite)).toBe(true);
  });
});

it('has as many labels in a batch as its examples have', () => {
  const sizes = all.map((fineTuning) => {
    const { columns } = allocateBatch(fineTuningTask(fineTuning), shape);
    return Object.values(columns)
      .slice(3)
      .map(({ length }) => length);
  });
  expect(sizes).toEqual([[2, 2], [6, 6], [2], [10, 10], [2, 2]]);
});

it.each([
  [['B-PER', 'I-PER', 'O'], 'tag_f1'],
  [['I-PER', 'I-ORG'], 'tag_f1'],
  [['B-X', 'L-X', 'O', 'U-X'], 'tag_f1'],
  [['NOUN', 'VERB'], 'tag_f1_macro'],
  [['O', 'PER'], 'tag_f1_macro'],
  [['O'], 'tag_f1_macro'],
  [[], 'tag_f1_macro'],
])('measures tags %j by %s', (tags, bestBy) => {
  expect(fineTuningTask({ kind: 'tag', labels: tags }).bestBy).toBe(bestBy);
  expect(haveEntities(tags)).toBe(bestBy === 'tag_f1');
});

it('has an F1 of the second class where there are two', () => {
  expect(metricsOfKind('classify')).toContain('classify_f1_binary');
  const names = evaluationMetrics(fineTuningTask({ kind: 'classify', labels }));
  expect(names.map(({ name }) => name)).not.toContain('classify_f1_binary');
});
