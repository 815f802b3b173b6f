import { describe, expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { cursorOfStep, phaseAt, phasesOf } from './phases.ts';
import type { RunConfigInput } from './run-config.ts';
import { taskNameOf } from './tasks/tasks.ts';

const base = { name: 'run', corpus: { path: 'a.txt' } };

function parsed(phases: RunConfigInput['phases'], more: object = {}) {
  return parseRunConfig({ ...base, ...more, phases }, 'run.yaml');
}

describe('the phases of a run', () => {
  it('are one of all steps where it states none', () => {
    const config = parseRunConfig({ ...base, train: { numSteps: 30 } }, 'run.yaml');
    const { examples } = config;
    const one = { index: 0, firstStep: 0, endStep: 30, examples, globalBatch: 256 };
    expect(phasesOf(config)).toEqual([{ ...one, startsEpoch: false }]);
  });

  it('have what they state, and of the rest what the other sections do', () => {
    const config = parsed([
      { numSteps: 60, maxSeqLength: 64, maskedLmRatio: 0.3 },
      { numSteps: 30, maxSeqLength: 64, maskedLmRatio: 0.3, globalBatch: 512 },
      { numSteps: 10 },
    ]);
    expect(config.train.numSteps).toBe(100);
    const phases = phasesOf(config).map(({ examples, ...phase }) => ({
      ...phase,
      ratio: examples.maskedLmRatio,
      length: examples.maxSeqLength,
    }));
    expect(phases).toEqual([
      { index: 0, firstStep: 0, endStep: 60, globalBatch: 256, startsEpoch: false, ratio: 0.3, length: 64 }, // oxfmt-ignore
      { index: 1, firstStep: 60, endStep: 90, globalBatch: 512, startsEpoch: false, ratio: 0.3, length: 64 }, // oxfmt-ignore
      { index: 2, firstStep: 90, endStep: 100, globalBatch: 256, startsEpoch: true, ratio: 0.15, length: 128 }, // oxfmt-ignore
    ]);
    const at = [0, 59, 60, 99, 100].map((step) => phaseAt(config, step).index);
    expect(at).toEqual([0, 0, 1, 2, 2]);
  });

  it('may have as many sequences in a row as suits their lengths, if all have several', () => {
    const phases = [{ numSteps: 9 }, { numSteps: 1, maxSeqLength: 512, sequencesPerRow: 16 }];
    const config = parsed(phases, { examples: { sequencesPerRow: 4 } });
    expect(phasesOf(config).map(({ examples }) => [examples.sequencesPerRow, taskNameOf(examples)])).toEqual([[4, 'packedPretraining'], [16, 'packedPretraining']]); // oxfmt-ignore
    expect(() => parsed(phases)).toThrow(
      'phases.1.sequencesPerRow: 16 does not go with examples.sequencesPerRow 1: all phases',
    );
  });

  it('begin with an epoch of their own where examples change, and only there', () => {
    const phase = { firstStep: 60, startsEpoch: true };
    const after = { epoch: 3, index: 17 };
    expect(cursorOfStep(phase, 60, after)).toEqual({ epoch: 4, index: 0 });
    expect(cursorOfStep(phase, 61, after)).toBe(after);
    expect(cursorOfStep({ ...phase, startsEpoch: false }, 60, after)).toBe(after);
    const whole = { epoch: 4, index: 0 };
    expect(cursorOfStep(phase, 60, whole)).toBe(whole);
  });

  it.each([
    [[], {}, 'run.yaml: phases: '],
    [[{ numSteps: 5 }], { train: { numSteps: 6 } }, 'train.numSteps: 6 is not the 5 steps'],
    [[{ numSteps: 5, maxSeqLength: 1024 }], {}, 'phases.0.maxSeqLength: 1024 is longer than'],
    [[{ numSteps: 5 }, { numSteps: 5, globalBatch: 12 }], {}, 'phases.1.globalBatch: 12 examples'],
    [[{ numSteps: 5, maxSeqLength: 16 }], {}, 'examples.maxPredictions: 20 is more than the 13'],
    [[{ numSteps: 5, learningRate: 1 }], {}, 'unknown key'],
  ])('are refused with what is wrong: %j', (phases, more, message) => {
    expect(() => parsed(phases, more)).toThrow(message);
  });
});
