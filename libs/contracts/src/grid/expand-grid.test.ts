import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../config-parse.ts';
import { BerthError } from '../errors.ts';
import { expandGrid } from './expand-grid.ts';

const task = { kind: 'classify', train: '/a.csv' };
const fineTuned = { name: 'g', task, vocabulary: { path: '/v.txt' } };
const pretrained = { name: 'g', corpus: { path: '/a.txt' } };

function refusal(grid: unknown, config: object = fineTuned): string {
  try {
    for (const { config: one, sourceOf } of expandGrid({ ...config, grid }, 'run.yaml') ?? [])
      parseRunConfig(one, sourceOf);
  } catch (error) {
    if (error instanceof BerthError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a grid', () => {
  it('is every combination, the last setting changing first', () => {
    const grid = { 'optimizer.learningRate': [2e-5, 5e-5], seed: [1, 2, 3] };
    const points = expandGrid({ ...fineTuned, grid, optimizer: { learningRate: 1 } }, 'run.yaml')!;
    expect(points.map(({ values }) => Object.values(values))).toEqual([
      [2e-5, 1],
      [2e-5, 2],
      [2e-5, 3],
      [5e-5, 1],
      [5e-5, 2],
      [5e-5, 3],
    ]);
    expect(points.map(({ name, point }) => `${name} ${point}`)).toEqual([
      'g 1',
      'g 2',
      'g 3',
      'g 4',
      'g 5',
      'g 6',
    ]);
    const configs = points.map(({ config }) => parseRunConfig(config, 'test'));
    expect(configs.map(({ name }) => name)).toEqual(['g-1', 'g-2', 'g-3', 'g-4', 'g-5', 'g-6']);
    expect(configs[4]).toMatchObject({ seed: 2, optimizer: { learningRate: 5e-5 } });
    expect(configs[4]).not.toHaveProperty('grid');
  });

  it('plans each of its runs by the values that it has', () => {
    const grid = { 'train.numSteps': [100, 200] };
    const points = expandGrid({ ...fineTuned, optimizer: { warmupRatio: 0.1 }, grid }, 'test')!;
    const configs = points.map(({ config }) => parseRunConfig(config, 'test'));
    expect(configs.map(({ optimizer }) => optimizer.numWarmupSteps)).toEqual([10, 20]);
  });

  it('is none where there is none, and no run', () => {
    expect(expandGrid(fineTuned, 'test')).toBeUndefined();
    expect(() => parseRunConfig({ ...fineTuned, grid: { seed: [1] } }, 'test')).toThrow(
      'test: grid: a grid is several runs, and this takes one',
    );
  });

  it.each<readonly [grid: unknown, message: string]>([
    [{}, 'CONFIG_INVALID run.yaml: grid: must have a list of values for each setting'],
    [[1], 'CONFIG_INVALID run.yaml: grid: must have a list of values for each setting'],
    [{ seed: [] }, 'grid: seed: has no values: give it some, or leave it out'],
    [{ seed: 3 }, 'grid: seed: must be a list, such as'],
    [{ optimizer: { beta1: [0.9] } }, 'is a section: write paths with dots, as optimizer.beta1:'],
    [{ optimizer: [1] }, 'optimizer is a section: name a setting in it by its path, such as opt'],
    [{ seed: [1, 2, 1] }, 'grid: seed: 1 is there twice'],
    [{ 'optimizer.learningRate': [1e-5, 0.00001] }, '0.00001 is there twice'],
    [
      { 'optimizer.learninRate': [1] },
      'CONFIG_UNKNOWN_KEY run.yaml: grid: unknown setting "optimizer.learninRate"; did you mean "optimizer.learningRate"?',
    ],
    [{ learningRate: [1] }, 'did you mean "optimizer.learningRate"?'],
    [{ 'x.y.z': [1] }, 'name one by its path, such as optimizer.learningRate'],
    [{ ['__proto__']: [1] }, 'unknown setting "__proto__"'],
    [{ 'train.wire': ['bf16'] }, 'grid: train.wire is called train.allReduceDtype now'],
    [{ name: ['a'] }, 'grid: name: each run of a grid gets a name of its own'],
    [{ 'task.train': ['/b.csv'] }, 'grid: task.train: all runs of a grid learn from the same data'],
    [{ 'task.labels': [['a', 'b']] }, 'grid: task.labels: all runs of a grid learn from the same'],
    [{ 'init.from': ['a'] }, 'grid: init.from: all runs of a grid begin alike'],
    [{ 'train.keepLast': [1] }, 'grid: train.keepLast: it decides nothing of what a run learns'],
    [{ seed: Array.from({ length: 300 }, (_, i) => i) }, 'grid: seed: has 300 values; at most 256'],
    [
      { seed: [1, 2, 3, 4], 'optimizer.learningRate': Array.from({ length: 65 }, (_, i) => i + 1) },
      'run.yaml: grid: 4 x 65 values make 260 runs; at most 256 are one grid',
    ],
    [
      { 'optimizer.learningRate': [1e-5, 'fast'] },
      'CONFIG_INVALID run.yaml: grid: optimizer.learningRate: must be a number, not "fast"',
    ],
    [
      { 'train.globalBatch': [16, 20] },
      'CONFIG_INVALID run.yaml: grid: train.globalBatch: 20 examples cannot be cut into 8 equal',
    ],
    [{ 'train.numEpochs': [2], 'train.numSteps': [9] }, 'goes instead of numSteps'],
  ])('%j is refused', (grid, message) => {
    expect(refusal(grid)).toContain(message);
  });

  it.each<readonly [change: object, message: string]>([
    [{ name: 'G' }, 'run.yaml: name: must be lower-case letters, digits and hyphens'],
    [{ name: 'a'.repeat(62) }, 'with -2 behind it at most 63'],
    [{ export: { to: '/x' } }, 'export: all runs of a grid would be written there'],
  ])('with %j is refused', (change, message) => {
    expect(refusal({ seed: [1, 2] }, { ...fineTuned, ...change })).toContain(message);
  });

  it('of pre-training leaves examples as they are', () => {
    expect(refusal({ 'examples.maxSeqLength': [64] }, pretrained)).toContain('do not compare');
    const grid = { 'optimizer.learningRate': [1e-4, 2e-4] };
    expect(expandGrid({ ...pretrained, grid }, 'test')).toHaveLength(2);
  });
});
