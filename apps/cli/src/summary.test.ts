import { parseRunConfig, type RunStatusReport } from '@berth/contracts';
import { runRecord } from '@berth/protocol/testing';
import { expect, it } from 'vitest';
import { summaryOf } from './summary.ts';

it('says what a phase reads, and of which phases the best checkpoint is', () => {
  const parts = ['web', 'books'].map((name) => ({ name, path: name }));
  const phases = [
    { numSteps: 60, maxSeqLength: 64 },
    { numSteps: 40, corpusWeights: { web: 1, books: 3 } },
  ];
  const report = {
    run: runRecord('r', {
      config: parseRunConfig({ name: 'r', corpus: { parts }, phases }, 'test'),
    }),
    step: 80,
    numSteps: 100,
    last: null,
    lastEval: null,
    checkpointStep: 80,
    best: { attempt: 1, step: 70, loss: 2 },
    phase: { number: 2, numPhases: 2, endStep: 100, maxSeqLength: 128, globalBatch: 256 },
  } as RunStatusReport;
  const lines = summaryOf({ ...report, bestPhases: [2] }, { berth: 'berth' }).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '  phase       2 of 2: 256 examples of 128 tokens, up to step 100',
      '  text        web 25 %, books 75 %',
      '  checkpoint  step 80; the best of phase 2 is step 70, held-out loss 2.000, and stays',
      '    phases with other examples are evaluated on these: such losses do not compare',
    ]),
  );
  expect(summaryOf(report, { berth: 'berth' })).toContain('; the best is step 70');
});

it('says that the run has gone back since it was exported', () => {
  const as = { to: '/bert', for: 'transformers' } as const;
  const exported = { as, endStep: 100, state: 'done', text: 'step 100 is in /bert' } as const;
  const report = {
    run: runRecord('r', { exported }),
    step: 100,
    numSteps: 100,
    last: null,
    lastEval: null,
    checkpointStep: null,
    best: null,
  } as RunStatusReport;
  const options = { berth: 'berth' };
  expect(summaryOf(report, options)).toMatch(/^ {2}export {6}step 100 is in \/bert$/m);
  const gone = summaryOf({ ...report, step: 40 }, options);
  expect(gone).toContain('step 100 is in /bert; the run has gone back since');
});

it('says how to use what was fine-tuned, once there is a checkpoint', () => {
  const labelledData = {
    fineTuning: { kind: 'classify', labels: ['a', 'b'] },
    numTrainExamples: 9,
    numHeldOutExamples: 1,
  } as const;
  const report = {
    run: runRecord('r', { labelledData }),
    step: 3,
    numSteps: 3,
    last: null,
    lastEval: null,
    checkpointStep: 3,
    best: null,
  } as RunStatusReport;
  const predict = '  berth predict r <file of rows>';
  expect(summaryOf(report, { berth: 'berth' }).split('\n')).toContain(predict);
  const begun = { ...report, checkpointStep: null };
  expect(summaryOf(begun, { berth: 'berth' })).not.toContain('predict');
});
