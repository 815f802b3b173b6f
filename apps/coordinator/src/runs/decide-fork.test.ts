import {
  parseRunConfig,
  settings,
  trainingHash,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';
import { hasTrained } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import { forkedConfig, forkedHash, forkedRecord } from './decide-fork.ts';
import { newRecord } from './decide-submission.ts';

const source: RunRecord = {
  ...newRecord(
    {
      config: parseRunConfig(
        {
          name: 'run',
          corpus: { path: '/a.txt' },
          vocabulary: { path: '/v.txt' },
          train: { numSteps: 50, microBatch: 8 },
        },
        'test',
      ),
      goal: 'trained',
    },
    1,
  ),
  status: 'completed',
  manifestKey: 'm',
  exampleSetId: 'e',
  exampleFormat: 'older',
};
const config = (changes: Record<string, unknown>, fromStep = 40) =>
  forkedConfig(source, { name: 'fork', settings: changes }, fromStep);

describe('a fork', () => {
  it('has the settings of its source, but for its name and those that are said', () => {
    const forked = config({ 'optimizer.learningRate': 1e-5, 'train.microBatch': null });
    expect(forked).toEqual({
      ...source.config,
      name: 'fork',
      optimizer: { ...source.config.optimizer, learningRate: 1e-5 },
      train: { ...source.config.train, microBatch: undefined },
    });
  });

  it('is exported at its end only where it says so itself', () => {
    const theirs = { to: '/theirs', for: 'transformers' } as const;
    const exporting = { ...source, config: { ...source.config, export: theirs } };
    expect(forkedConfig(exporting, { name: 'fork', settings: {} }, 40).export).toBeUndefined();
    const settings = { 'export.to': '/mine' };
    expect(forkedConfig(exporting, { name: 'fork', settings }, 40).export?.to).toBe('/mine');
  });

  it('may lie elsewhere and have what decides nothing otherwise', () => {
    const forked = config({ 'corpus.path': '/b.txt', 'cluster.numWorkers': 3 });
    expect(forked).toMatchObject({ corpus: { path: '/b.txt' }, cluster: { numWorkers: 3 } });
  });

  it.each([
    [
      'examples.maxSeqLength',
      64,
      /another name, and begin with its weights \(init: \{ from: run \}\)/,
    ],
    ['train.globalBatch', 512, /init: \{ from: run \}/],
    ['seed', 3, /init: \{ from: run \}/],
    ['vocabulary.path', null, /init: \{ from: run \}/],
    ['model.numLayers', 3, /cannot be used: restore the value, or choose another name/],
    ['init', { from: 'x' }, /^init\.from: /],
    ['train.numSteps', 40, /40, of which 40 are done at the checkpoint/],
    ['train.numStep', 40, /unknown key "train\.numStep"; did you mean "numSteps"/],
    ['train', 3, /^the fork: train: /],
  ])('cannot have another %s', (path, value, message) => {
    expect(() => config({ [path]: value })).toThrow(message);
  });

  describe('of a run in phases', () => {
    const phases = [{ numSteps: 60, maxSeqLength: 64 }, { numSteps: 40 }];
    const { numSteps: _, ...train } = source.config.train;
    const phased = {
      ...source,
      config: parseRunConfig({ ...source.config, phases, train }, 'test'),
    };
    const fork = (settings: Record<string, unknown>, fromStep: number): RunConfig =>
      forkedConfig(phased, { name: 'fork', settings }, fromStep);

    it('has a last phase that ends where its steps do', () => {
      const longer = fork({ 'train.numSteps': 150 }, 100);
      expect(longer.phases?.map(({ numSteps }) => numSteps)).toEqual([60, 90]);
      expect(longer.train.numSteps).toBe(150);
      const shorter = fork({ 'train.numSteps': 70 }, 50);
      expect(shorter.phases?.map(({ numSteps }) => numSteps)).toEqual([60, 10]);
      expect(() => fork({ 'train.numSteps': 50 }, 40)).toThrow(/^the fork: phases\.1\.numSteps: /);
    });

    it('may have what comes after its checkpoint planned anew', () => {
      const three = [
        { numSteps: 40, maxSeqLength: 64 },
        { numSteps: 20, maxSeqLength: 32, maxPredictions: 5 },
      ];
      expect(fork({ phases: three }, 40).train.numSteps).toBe(60);
      expect(fork({ phases: [...phases, { numSteps: 9 }] }, 100).train.numSteps).toBe(109);
      expect(() => fork({ phases: three }, 50)).toThrow(
        /^phases: they say otherwise of steps before 50, which are done: leave those .*\[\{"numSteps":60,"maxSeqLength":64\}/,
      );
      expect(() => fork({ phases: [{ numSteps: 120 }] }, 10)).toThrow(
        /^phases: they say otherwise/,
      );
      expect(() => fork({ phases: null, 'train.numSteps': 120 }, 70)).toThrow(/^phases: they say/);
    });

    it('may begin them', () => {
      const settings = { phases: [{ numSteps: 40 }, { numSteps: 30, maxSeqLength: 256 }] };
      expect(() => config(settings, 40)).not.toThrow();
      expect(config(settings, 40).train.numSteps).toBe(70);
    });
  });

  it('has every setting that can be changed so', () => {
    const forkable = settings.filter(({ change }) => change === 'fork' || change === 'extend');
    expect(forkable.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'optimizer.name',
        'optimizer.weightDecay',
        'train.virtualRanks',
        'train.precision',
        'model.hiddenDropoutRatio',
        'train.numSteps',
      ]),
    );
  });

  it('goes on from its checkpoint, which stays, with the data of its source', () => {
    const forkedFrom = { runId: 'run', step: 40, ledgerHead: 'h' };
    const forked = config({});
    const record = forkedRecord(source, forked, forkedFrom, 9);
    expect(record).toMatchObject({
      runId: 'fork',
      forkedFrom,
      manifestKey: 'm',
      exampleSetId: 'e',
      exampleFormat: 'older',
      keptSteps: [40],
      attempts: [{ attempt: 1, fromStep: 40 }],
      requests: { submission: { config: forked, isTrained: true } },
    });
    expect(hasTrained(record, { numCommitted: 0, checkpointSteps: [] })).toBe(true);
    const hashes = [
      trainingHash(forked),
      forkedHash(forked, forkedFrom),
      forkedHash(forked, { ...forkedFrom, ledgerHead: 'i' }),
      forkedHash(config({ 'optimizer.learningRate': 1e-5 }), forkedFrom),
    ];
    expect(new Set(hashes).size).toBe(4);
  });
});
