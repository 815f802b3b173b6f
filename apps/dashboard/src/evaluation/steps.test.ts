import type { RunStatusReport } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { fineTuningFacts } from '../fine-tuning-facts.ts';
import { evaluatedSteps, judgedBy } from './steps.ts';

const config = {
  task: { kind: 'classify', train: 'train.tsv' },
  init: { from: 'demo@400' },
  examples: {},
  train: { numSteps: 30, globalBatch: 10 },
} as unknown as RunStatusReport['run']['config'];

it('offers what was evaluated and is not left behind, newest first', () => {
  const report = {
    run: {
      attempts: [
        { attempt: 1, abandonedFromStep: 20 },
        { attempt: 2, abandonedFromStep: null },
      ],
      evaluations: [
        { attempt: 1, step: 10, loss: 1 },
        { attempt: 1, step: 30, loss: 1 },
        { attempt: 2, step: 25, loss: 1 },
      ],
    },
    lastEval: { attempt: 2, step: 28 },
  } as unknown as RunStatusReport;
  expect(evaluatedSteps(report)).toEqual([28, 25, 10]);
});

describe('what chooses the best', () => {
  it('is the metric that the config names, or else the task’s', () => {
    expect(judgedBy({ config })?.name).toBe('classify_accuracy');
    const asked = { ...config, task: { ...config.task!, metric: 'classify_matthews' } };
    expect(judgedBy({ config: asked })?.name).toBe('classify_matthews');
  });

  it('is the loss of a pre-training', () => {
    const other = { examples: { nextSentence: true } } as unknown as typeof config;
    expect(judgedBy({ config: other })).toBeUndefined();
  });
});

describe('facts of a fine-tuning', () => {
  it('say what is not known before its data is read', () => {
    const train = { ...config.train, numEpochs: 3 };
    const facts = new Map(fineTuningFacts({ config: { ...config, train } } as never));
    expect(facts.get('Epochs')).toBe('3');
    expect(facts.get('Evaluated on')).toBe('10.0% of them, held out');
    expect(facts.has('Labels')).toBe(false);
  });

  it('count examples and labels once it was', () => {
    const labels = Array.from({ length: 9 }, (_, i) => `l${i}`);
    const labelledData = {
      fineTuning: { kind: 'classify', labels },
      numTrainExamples: 100,
      numHeldOutExamples: 1,
    };
    const facts = new Map(fineTuningFacts({ config, labelledData } as never));
    expect(facts.get('Epochs')).toBe('3');
    expect(facts.get('Began as')).toBe('demo@400');
    expect(facts.get('Learns from')).toBe('train.tsv, 100 examples');
    expect(facts.get('Labels')).toBe('9: l0, l1, l2, l3, l4, l5 and 3 more');
  });
});
