import { describe, expect, it } from 'vitest';
import { configOfForm, formOfPreset, problemOf } from './new-run/run-form.ts';
import { defaultsOf, flatten } from './config-diff.ts';
import { parseRoute, pathOfGrid, pathOfRun } from './router.ts';
import type { Preset } from './api/client.ts';

describe('paths', () => {
  it('lead to pages and back', () => {
    expect(parseRoute('/')).toEqual({ page: 'runs' });
    expect(parseRoute('/queues')).toEqual({ page: 'queues' });
    expect(parseRoute(pathOfGrid('era'))).toEqual({ page: 'grid', name: 'era' });
    expect(parseRoute(pathOfRun('a b', 'logs'))).toEqual({
      page: 'run',
      runId: 'a b',
      tab: 'logs',
    });
    expect(parseRoute(pathOfRun('demo'))).toEqual({ page: 'run', runId: 'demo', tab: 'overview' });
  });

  it('that are not there are said to be', () => {
    for (const path of ['/x', '/runs/a/nothing', '/queues/a/b', '/grids', '/grids/a/b'])
      expect(parseRoute(path)).toEqual({ page: 'unknown' });
  });
});

describe('the form', () => {
  const preset = {
    name: 'demo',
    config: {
      name: 'demo',
      seed: 7,
      corpus: { path: 'corpus.txt', heldOutRatio: 0.03 },
      model: { size: 'mini', numLayers: 1, maxPositions: 128 },
      optimizer: { learningRate: 0.001, numWarmupSteps: 20 },
      train: { numSteps: 120, globalBatch: 32, virtualRanks: 4 },
      cluster: { numWorkers: 2 },
    },
  } as unknown as Preset;

  it('keeps what it does not ask for', () => {
    const form = { ...formOfPreset(preset, 0), numSteps: 8, numWorkers: 3 };
    expect(form.name).toBe('demo-0000');
    expect(configOfForm(form, preset)).toMatchObject({
      seed: 7,
      corpus: { heldOutRatio: 0.03 },
      model: { size: 'mini', numLayers: 1, maxPositions: 128 },
      optimizer: { numWarmupSteps: 8 },
      train: { numSteps: 8, virtualRanks: 4 },
      cluster: { numWorkers: 3 },
    });
  });

  it('drops the shape of the size that was there before', () => {
    const config = configOfForm({ ...formOfPreset(preset), model: 'tiny' }, preset);
    expect(config).toMatchObject({ model: { size: 'tiny', maxPositions: 128 } });
    expect(config).not.toHaveProperty('model.numLayers');
  });

  it('says what is missing before it is sent', () => {
    const form = formOfPreset(preset);
    expect(problemOf(form)).toBeUndefined();
    expect(problemOf({ ...form, name: 'A!' })).toMatch(/name/);
    expect(problemOf({ ...form, corpus: ' ' })).toMatch(/corpus/);
    expect(problemOf({ ...form, numSteps: NaN })).toMatch(/Steps/);
    expect(problemOf({ ...form, learningRate: NaN })).toMatch(/learning rate/);
  });
});

describe('config', () => {
  it('is compared with the defaults of its schema', () => {
    const schema = {
      properties: {
        name: { type: 'string' },
        train: {
          default: {},
          properties: { numSteps: { default: 1000 }, allReduceDtype: { default: 'fp32' } },
        },
      },
    };
    const entries = flatten(
      { name: 'a', train: { numSteps: 5, allReduceDtype: 'fp32' } },
      defaultsOf(schema),
    );
    expect(entries.map(({ path, isChanged }) => [path, isChanged])).toEqual([
      ['name', true],
      ['train.numSteps', true],
      ['train.allReduceDtype', false],
    ]);
  });
});
