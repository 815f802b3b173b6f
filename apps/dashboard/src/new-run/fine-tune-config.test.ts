import { parseRunConfig } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { configOfFineTune, fineTuneFieldsOf, problemOfFineTune } from './fine-tune-config.ts';
import { yamlOf } from './yaml.ts';

const filled = { ...fineTuneFieldsOf('demo@400', 0), train: ' data/train.csv ' };

describe('the form of a fine-tuning', () => {
  it('gives a config with what was said, and leaves the rest to the defaults', () => {
    expect(filled.name).toBe('demo-ft-0000');
    expect(configOfFineTune(filled)).toEqual({
      name: 'demo-ft-0000',
      init: { from: 'demo@400' },
      task: { kind: 'classify', train: 'data/train.csv' },
      optimizer: { learningRate: 5e-5 },
      train: { numEpochs: 3, globalBatch: 32 },
      cluster: { numWorkers: 1 },
    });
  });

  it('gives a config that the coordinator takes, of each kind', () => {
    for (const kind of ['classify', 'classify-many', 'regress', 'tag', 'answer'] as const) {
      const columns = { text: 'a', words: 'w', tags: 't', label: ' ' };
      const config = configOfFineTune({ ...filled, kind, labels: 'no, yes', columns });
      const parsed = parseRunConfig(config, 'form');
      expect(parsed.task?.kind).toBe(kind);
      expect(parsed.task?.labels).toEqual(
        kind === 'regress' || kind === 'answer' ? undefined : ['no', 'yes'],
      );
    }
  });

  it('says what is missing before it is sent', () => {
    expect(problemOfFineTune(filled)).toBeUndefined();
    expect(problemOfFineTune({ ...filled, train: ' ' })).toMatch(/training file/);
    expect(problemOfFineTune({ ...filled, from: '' })).toMatch(/begins with/);
    expect(problemOfFineTune({ ...filled, labels: 'one' })).toMatch(/two labels/);
    expect(problemOfFineTune({ ...filled, kind: 'answer', labels: 'one' })).toBeUndefined();
    expect(problemOfFineTune({ ...filled, numEpochs: NaN })).toMatch(/Epochs/);
    expect(problemOfFineTune({ ...filled, name: 'A' })).toMatch(/name/);
  });

  it('finds a name in a path of a model', () => {
    expect(fineTuneFieldsOf('./Models/bert base', 0).name).toBe('odels-bert-base-ft-0000');
    expect(
      problemOfFineTune({ ...fineTuneFieldsOf('', 0), from: 'x', train: 'y' }),
    ).toBeUndefined();
  });
});

it('writes YAML that reads as what was meant', () => {
  const value = {
    name: 'a',
    task: {
      train: 'C: data # 1.csv',
      labels: ['yes', 'no', '1', 'a, b', "it's", '- x', ''],
      none: undefined,
      path: 'a[0].csv',
      '1': 'key',
    },
    rate: 5e-5,
    small: 1e-9,
    flag: true,
  };
  expect(yamlOf(value)).toBe(`name: a
task:
  "1": key
  train: "C: data # 1.csv"
  labels: ["yes", "no", "1", "a, b", it's, "- x", ""]
  path: "a[0].csv"
rate: 0.00005
small: 1e-9
flag: true
`);
});
