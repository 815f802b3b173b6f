import { parseRunConfig, type Evaluation } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { beginAttempt, newAttempt } from './attempts.ts';
import { bestCheckpoint, bestPhases, noteEvaluation } from './evaluations.ts';

const run = { name: 'r', corpus: { path: 'c' } };
const config = parseRunConfig({ ...run, train: { numSteps: 50 } }, 'test');
const attempts = [newAttempt(1, 0, 0)];
const of = (step: number, loss: number, attempt = 1): Evaluation => ({ attempt, step, loss });

describe('the best checkpoint', () => {
  it('is the one with the least held-out loss among those that there are, the first of equals', () => {
    const evaluations = [of(10, 3), of(20, 1), of(30, 2), of(40, 2)];
    expect(bestCheckpoint({ config, attempts, evaluations }, [10, 20, 30, 40])?.step).toBe(20);
    expect(bestCheckpoint({ config, attempts, evaluations }, [10, 30, 40])?.step).toBe(30);
    expect(bestCheckpoint({ config, attempts, evaluations }, [50])).toBeUndefined();
  });

  it('is the one with the best score where there are some, of equals the one with less loss', () => {
    const scored = (step: number, loss: number, score: number): Evaluation => ({
      ...of(step, loss),
      score,
    });
    const evaluations = [of(10, 1), scored(20, 3, 0.8), scored(30, 2, 0.8), scored(40, 1, 0.7)];
    const steps = evaluations.map(({ step }) => step);
    expect(bestCheckpoint({ config, attempts, evaluations }, steps)?.step).toBe(30);
  });

  it.each([
    ['other lengths', { maxSeqLength: 64 }, 40],
    ['other masks', { maskedLmRatio: 0.3 }, 40],
    ['another batch', { globalBatch: 512 }, 10],
    ['other weights, of the same held-out text', { corpusWeights: { a: 1, b: 2 } }, 10],
  ])('is one of those measured as the newest was, which has %s', (_, second, expected) => {
    const phases = [{ numSteps: 20 }, { numSteps: 30, ...second }];
    const parts = ['a', 'b'].map((name) => ({ name, path: name }));
    const phased = parseRunConfig({ name: 'r', corpus: { parts }, phases }, 'test');
    const evaluations = [of(10, 1), of(20, 2), of(30, 4), of(40, 3)];
    const best = (steps: number[]): number | undefined =>
      bestCheckpoint({ config: phased, attempts, evaluations }, steps)?.step;
    expect(best([10, 20])).toBe(10);
    expect(best([10, 20, 30, 40])).toBe(expected);
    const among = (steps: number[]): number[] | undefined =>
      bestPhases({ config: phased, attempts, evaluations }, steps);
    expect(among([10, 20])).toBeUndefined();
    expect(among([10, 20, 30, 40])).toEqual(expected === 40 ? [2] : undefined);
  });

  it('is none that a later attempt has left behind', () => {
    const evaluations = [of(10, 3), of(20, 1)];
    const ended = attempts.map((attempt) => ({ ...attempt, toStep: 20, endedAtMs: 1 }));
    const later = beginAttempt(ended, { fromStep: 10, nowMs: 2, wentBackTo: 10 });
    expect(bestCheckpoint({ config, attempts: later, evaluations }, [10, 20])?.step).toBe(10);
    expect(noteEvaluation({ attempts: later, evaluations }, of(20, 2, 2), [10, 20])).toEqual([
      of(10, 3),
      of(20, 2, 2),
    ]);
  });
});

describe('the evaluations of a run', () => {
  it('are those of steps that have a checkpoint or may still get one', () => {
    const evaluations = [of(10, 3), of(15, 1), of(20, 2), of(25, 9)];
    expect(noteEvaluation({ attempts, evaluations }, of(30, 4), [10, 20])).toEqual([
      of(10, 3),
      of(20, 2),
      of(25, 9),
      of(30, 4),
    ]);
  });

  it('keep the newest of a step, and nothing that is not finite', () => {
    const evaluations = [of(10, 3)];
    expect(noteEvaluation({ attempts, evaluations }, of(10, 2), [])).toEqual([of(10, 2)]);
    expect(noteEvaluation({ attempts, evaluations }, of(20, Number.NaN), [10])).toEqual([
      of(10, 3),
    ]);
  });
});
