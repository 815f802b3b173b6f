import type { SurveyedCheckpoint } from '@berth/checkpoint';
import type { CheckpointReport, RunRecord } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { recordOf } from '../testing/made-up-run.ts';
import { describeCheckpoints } from './checkpoint-reports.ts';

function found(step: number, change: Partial<SurveyedCheckpoint> = {}): SurveyedCheckpoint {
  return {
    step,
    attempt: 1,
    isLeftBehind: false,
    manifestKey: `m${step}`,
    manifest: undefined,
    validity: 'complete',
    sizeBytes: 1,
    numParts: 1,
    lastModifiedMs: 1,
    ...change,
  };
}

const numSteps = recordOf('r', {}).config.train.numSteps;
const survey = [
  found(100),
  found(200, { isLeftBehind: true }),
  found(300, { validity: 'corrupt' }),
  found(400, { validity: 'incomplete' }),
  found(numSteps),
];

function resumesOf(status: RunRecord['status']): Record<number, CheckpointReport['resume']> {
  const ended = { ...recordOf('r', {}).attempts[0], toStep: numSteps, endedAtMs: 2 };
  const run = recordOf('r', { status, attempts: [ended as RunRecord['attempts'][0]] });
  const reports = describeCheckpoints(5, run, survey, () => null);
  return Object.fromEntries(reports.map(({ step, resume }) => [step, resume]));
}

describe('a checkpoint of a run', () => {
  it('that is completed can be gone on from, unless it is the last', () => {
    const resumes = resumesOf('completed');
    expect(resumes[100]?.isEnabled).toBe(true);
    expect(resumes[100]?.reason).toContain('goes on from checkpoint 100');
    expect(resumes[numSteps]).toEqual({
      isEnabled: false,
      reason: `nothing is left to do after step ${numSteps}`,
    });
  });

  it.each([
    [200, /branch/],
    [300, /damaged/],
    [400, /not written to its end/],
  ])('says what is wrong with it: %i', (step, reason) => {
    for (const status of ['completed', 'paused', 'running'] as const)
      expect(resumesOf(status)[step]).toMatchObject({
        isEnabled: false,
        reason: expect.stringMatching(reason) as string,
      });
  });

  it('that trains is not gone on from, for a reason that names the step', () => {
    expect(resumesOf('running')[100]).toEqual({
      isEnabled: false,
      reason: 'it is running; pause or stop it before it goes on from step 100',
    });
  });

  it('says why it is kept', () => {
    const plain = recordOf('r', { keptSteps: [130, 140] });
    const train = { ...plain.config.train, keepEverySteps: 70 };
    const run = { ...plain, config: { ...plain.config, train } };
    const steps = [120, 130, 140, numSteps];
    const reports = describeCheckpoints(
      5,
      run,
      steps.map((step) => found(step)),
      () => null,
    );
    expect(reports.map(({ kind }) => kind)).toEqual(['final', 'permanent', 'manual', 'rolling']);
  });

  it('is the best where none that can be used has a lesser held-out loss', () => {
    const loss = { 100: 3, 200: 1, 300: 1, [numSteps]: 2 };
    const evaluations = Object.entries(loss).map(([step, value]) => ({
      attempt: 1,
      step: Number(step),
      loss: value,
    }));
    const reports = describeCheckpoints(5, recordOf('r', { evaluations }), survey, () => null);
    expect(reports.flatMap(({ step, isBest }) => (isBest ? [step] : []))).toEqual([numSteps]);
  });
});
