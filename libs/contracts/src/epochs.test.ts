import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { withPlannedSteps } from './epochs.ts';
import { withoutUnused } from './tasks/fine-tuning/check-settings.ts';

const fineTuned = {
  name: 'r',
  init: { from: 'bert', sha256: 'a'.repeat(64) },
  task: { kind: 'classify', train: 'train.csv' },
} as const;

describe('a run in epochs', () => {
  it('has the steps, the warm-up and the evaluations of the BERT release, once its examples are counted', () => {
    const config = parseRunConfig(fineTuned, 'test');
    expect(withPlannedSteps(config)).toBe(config);
    const { train, optimizer } = withPlannedSteps(config, 1_000);
    expect(train).toMatchObject({ globalBatch: 32, numSteps: 94, evalEverySteps: 32 });
    expect(train.checkpointEverySteps).toBe(32);
    expect(train).not.toHaveProperty('numEpochs');
    expect(optimizer).toMatchObject({ learningRate: 5e-5, numWarmupSteps: 9 });
    expect(optimizer).not.toHaveProperty('warmupRatio');
  });

  it('is as it was when its steps are known, and parsed again', () => {
    const planned = withPlannedSteps(parseRunConfig(fineTuned, 'test'), 1_000);
    expect(withPlannedSteps(planned, 5)).toEqual(planned);
    expect(parseRunConfig(planned, 'test')).toEqual(planned);
    const unplanned = parseRunConfig(fineTuned, 'test');
    expect(parseRunConfig(unplanned, 'test')).toEqual(unplanned);
  });

  it('has examples no longer than its model, where nothing is said', () => {
    const lengthOf = (kind: string, maxPositions: number): number =>
      parseRunConfig({ ...fineTuned, task: { kind, train: 'a' }, model: { maxPositions } }, 'test')
        .examples.maxSeqLength;
    expect([lengthOf('tag', 64), lengthOf('tag', 512), lengthOf('answer', 512)]).toEqual([
      64, 128, 384,
    ]);
  });

  it('is shown without what it does not use, and is the same when that is read again', () => {
    const config = parseRunConfig(fineTuned, 'test');
    const shown = withoutUnused(config);
    expect(shown).toMatchObject({ train: { numEpochs: 3 }, optimizer: { warmupRatio: 0.1 } });
    expect(shown).not.toHaveProperty('train.numSteps');
    expect(shown).not.toHaveProperty('examples.maskedLmRatio');
    expect(parseRunConfig(shown, 'test')).toEqual(config);
  });

  it('may have parts of an epoch, and at least one step', () => {
    const stepsOf = (numEpochs: number, numExamples: number): number =>
      withPlannedSteps(parseRunConfig({ ...fineTuned, train: { numEpochs } }, 'test'), numExamples)
        .train.numSteps;
    expect(stepsOf(1.5, 640)).toBe(30);
    expect(stepsOf(0.001, 10)).toBe(1);
  });
});

it('checkpoints come with evaluations where they are not counted', () => {
  const everySteps = (train: object): number =>
    parseRunConfig({ name: 'r', corpus: { path: 'c' }, train }, 'test').train.checkpointEverySteps;
  expect(everySteps({ checkpointEverySteps: 0, evalEverySteps: 7 })).toBe(7);
  expect(everySteps({ checkpointEverySteps: 0, numSteps: 9 })).toBe(9);
  expect(everySteps({})).toBe(100);
});

describe('a run file with a task', () => {
  const refusal = (change: object): string => {
    try {
      parseRunConfig({ ...fineTuned, ...change }, 'run.yaml');
      return 'none';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const task = (section: object): object => ({ task: { ...fineTuned.task, ...section } });

  it.each<readonly [object, string]>([
    [{ corpus: { path: 'c' } }, 'corpus: a run learns from a corpus or is fine-tuned for a task'],
    [{ init: undefined }, 'init.from: is missing: say which model to fine-tune'],
    [{ phases: [{ numSteps: 9 }] }, 'phases: only pre-training has phases'],
    [{ vocabulary: { extend: 9 } }, 'vocabulary.extend: only pre-training learns new pieces'],
    [{ examples: { maskedLmRatio: 0.2 } }, 'examples.maskedLmRatio: only pre-training has it'],
    [{ train: { numEpochs: 2, numSteps: 9 } }, 'train.numEpochs: goes instead of numSteps'],
    [
      { optimizer: { warmupRatio: 0.2, numWarmupSteps: 9 } },
      'optimizer.warmupRatio: goes instead of numWarmupSteps',
    ],
    [
      task({ kind: 'regress', labels: ['a', 'b'] }),
      'task.labels: only classify, classify-many, tag have it, and this is regress',
    ],
    [
      task({ kind: 'answer', classWeights: 'balanced' }),
      'task.classWeights: only classify, classify-many, tag have it',
    ],
    [task({ docStride: 9 }), 'task.docStride: only answer has it, and this is classify'],
    [task({ labelSeparator: ';' }), 'task.labelSeparator: only classify-many has it'],
    [task({ eval: 'dev.csv', heldOutRatio: 0.1 }), 'task.heldOutRatio: nothing is held out'],
    [task({ columns: { words: 'w' } }), 'task.columns.words: classify has text, pair, label'],
    [
      task({ columns: { body: 'w' } }),
      'unknown key "task.columns.body"; known keys: text, pair, label, words, tags',
    ],
    [task({ labels: ['a', 'a'] }), 'task.labels: a is there twice'],
    [
      task({ labels: ['a', 'b'], classWeights: { c: 1 } }),
      'task.classWeights: c is none of task.labels',
    ],
    [task({ metric: 'f1' }), 'task.metric: f1 is no metric of classify, which has loss, '],
  ])('that contradicts itself is refused: %j', (change, message) => {
    expect(refusal(change)).toContain(`run.yaml: ${message}`);
  });

  it('needs one to be counted in epochs', () => {
    const config = { name: 'r', corpus: { path: 'c' }, train: { numEpochs: 2 } };
    expect(() => parseRunConfig(config, 'run.yaml')).toThrow(
      'run.yaml: train.numEpochs: only a fine-tuning (task) is counted in epochs',
    );
  });
});
