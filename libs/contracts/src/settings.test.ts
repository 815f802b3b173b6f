import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { runConfigJsonSchema } from './run-config.ts';
import { changedSettings, exampleSettings, settings, trainingHash } from './settings.ts';

const config = parseRunConfig({ name: 'run', corpus: { path: 'a.txt' } }, 'test');

/** The config with another value at a path. */
function changed(path: string): typeof config {
  const [section = '', key = ''] = path.split('.');
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  if (key === '') copy[section] = 'other';
  else copy[section] = { ...(copy[section] as object | undefined), [key]: 'other' };
  return copy as unknown as typeof config;
}

const kindOf = (path: string): string | undefined =>
  settings.find((setting) => setting.path === path)?.decides;

describe('settings', () => {
  it('are all keys of the published schema, where each says what it decides', () => {
    const published = leavesOf(runConfigJsonSchema(), '');
    expect(published).toEqual(settings.map(({ path, decides }) => [path, decides]));
  });

  it.each([
    ['seed', 'data'],
    ['corpus.path', 'content'],
    ['corpus.encoding', 'data'],
    ['vocabulary.path', 'content'],
    ['examples.numShards', 'data'],
    ['examples.shuffleWindowShards', 'weights'],
    ['train.numSteps', 'rate'],
    ['train.allReduceDtype', 'weights'],
    ['train.evalEverySteps', 'nothing'],
    ['train.checkpointEverySteps', 'nothing'],
    ['cluster.numThreads', 'weights'],
    ['cluster.numWorkers', 'nothing'],
    ['name', 'nothing'],
  ])('%s decides the %s', (path, kind) => {
    expect(kindOf(path)).toBe(kind);
  });

  it.each(settings)('$path changes the training hash if it decides: $decides', (setting) => {
    const { path, decides } = setting;
    const other = changed(path);
    const isDeciding = decides !== 'nothing' && decides !== 'content';
    expect(trainingHash(other) !== trainingHash(config)).toBe(isDeciding);
    expect(changedSettings(config, other, [decides]).map((change) => change.path)).toEqual([path]);
  });

  it('name those of an example set', () => {
    expect(Object.keys(exampleSettings(config.examples)).sort()).toEqual([
      'maskedLmRatio',
      'maxPredictions',
      'maxSeqLength',
      'shortSeqRatio',
      'wholeWordMask',
    ]);
  });
});

function leavesOf(node: Record<string, unknown>, path: string): unknown[] {
  const properties = node['properties'] as Record<string, Record<string, unknown>> | undefined;
  if (properties === undefined) return [[path, node['decides']]];
  return Object.entries(properties).flatMap(([key, inner]) =>
    leavesOf(inner, path === '' ? key : `${path}.${key}`),
  );
}
