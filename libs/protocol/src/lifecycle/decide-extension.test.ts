import { parseRunConfig, type RunRecord } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { runRecord } from '../testing/run-record.ts';
import { endAttempt, newAttempt } from './attempts.ts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { decideExtension } from './decide-extension.ts';
import { extensionReport } from './extension-report.ts';

type Schedule = RunRecord['config']['optimizer']['schedule'];

function restingAt(toStep: number, schedule: Schedule, change: Partial<RunRecord> = {}): RunRecord {
  const config = parseRunConfig(
    {
      name: 'run',
      corpus: { path: 'c' },
      train: { numSteps: 100 },
      optimizer: { schedule, numWarmupSteps: 10, ...(schedule === 'wsd' && { numDecaySteps: 20 }) },
    },
    'test',
  );
  const end = { nowMs: 5, step: toStep, reason: 'as it was' };
  return runRecord('run', {
    config,
    status: toStep === 100 ? 'completed' : 'stopped',
    attempts: endAttempt([newAttempt(1, 0, 0)], end),
    ...change,
  });
}

function snapshotOf(record: RunRecord): ControlSnapshot {
  const numCommitted = record.attempts.at(-1)?.toStep ?? 0;
  const checkpointSteps = [50, 80, 100].filter((step) => step <= numCommitted);
  return { numCommitted, checkpointSteps, unsavedMs: 0 };
}

function decide(record: RunRecord, numSteps = 200, more: { numDecaySteps?: number } = {}) {
  return decideExtension(9, record, snapshotOf(record), { numSteps, ...more });
}

describe('decideExtension', () => {
  it.each(['constant', 'square-root'] as const)('goes on with %s from the end', (schedule) => {
    expect(decide(restingAt(100, schedule))).toMatchObject({
      kind: 'change',
      reason: 'goes on from checkpoint 100',
      change: {
        status: 'queued',
        config: { train: { numSteps: 200 } },
        attempts: [{}, { attempt: 2, fromStep: 100 }],
      },
    });
  });

  it('goes on with wsd where its decay has not begun', () => {
    expect(decide(restingAt(80, 'wsd'))).toMatchObject({
      reason: 'goes on from checkpoint 80',
      change: { attempts: [{}, { fromStep: 80 }], requests: { rewind: null } },
    });
  });

  it('goes back with wsd to where its decay began', () => {
    expect(decide(restingAt(100, 'wsd'))).toMatchObject({
      kind: 'change',
      change: {
        config: { train: { numSteps: 200 }, optimizer: { numDecaySteps: 20 } },
        attempts: [{ abandonedFromStep: 80 }, { fromStep: 80, wentBackTo: 80 }],
        requests: { rewind: { toStep: 80 } },
      },
    });
  });

  it('ends a constant run with a decay', () => {
    const decision = decide(restingAt(100, 'constant'), 150, { numDecaySteps: 50 });
    expect(decision).toMatchObject({
      reason: 'goes on from checkpoint 100',
      change: { config: { optimizer: { schedule: 'wsd', numDecaySteps: 50 } } },
    });
  });

  it.each(['google', 'linear', 'cosine'] as const)('refuses %s, and says why', (schedule) => {
    expect(decide(restingAt(100, schedule))).toMatchObject({
      kind: 'refuse',
      reason: expect.stringContaining(`${schedule}, has planned its rates for 100 steps`) as string,
    });
  });

  it('refuses a decayed run without a checkpoint of before', () => {
    const snapshot = { numCommitted: 100, checkpointSteps: [100], unsavedMs: 0 };
    expect(decideExtension(9, restingAt(100, 'wsd'), snapshot, { numSteps: 200 })).toMatchObject({
      reason: expect.stringMatching(/^its decay began at step 80, and no checkpoint/) as string,
    });
  });

  it.each([
    [
      restingAt(50, 'constant', { status: 'running' }),
      200,
      'it is running; pause or stop it first',
    ],
    [restingAt(50, 'constant'), 100, 'it is planned for 100 steps already; name more'],
  ])('refuses what cannot be asked', (record, numSteps, reason) => {
    expect(decide(record, numSteps)).toMatchObject({ kind: 'refuse', reason });
  });

  it('refuses a decay longer than the run', () => {
    expect(() => decide(restingAt(50, 'constant'), 120, { numDecaySteps: 119 })).toThrow(
      'optimizer.numDecaySteps: 119 is more than the 110',
    );
  });
});

describe('extensionReport', () => {
  const report = (record: RunRecord, numSteps = 200, more: { numDecaySteps?: number } = {}) =>
    extensionReport(9, record, snapshotOf(record), { numSteps, ...more });

  it('says what it would do, and what that gives up', () => {
    expect(report(restingAt(100, 'constant'))).toEqual({
      isPossible: true,
      reason: 'goes on from checkpoint 100',
    });
    expect(report(restingAt(80, 'wsd'))).toEqual({
      isPossible: true,
      reason: 'goes on from checkpoint 80',
    });
    expect(report(restingAt(100, 'wsd'))).toEqual({
      isPossible: true,
      reason: expect.stringMatching(/^goes back from step 100 to 80, .* a branch/) as string,
    });
  });

  it('names the fork that a schedule which has planned its rates takes', () => {
    const fork = 'berth fork run --set train.numSteps=200';
    expect(report(restingAt(100, 'linear'))).toEqual({
      isPossible: false,
      reason: expect.stringMatching(
        /^Cannot extend run "run": its schedule, linear, .* own \(berth fork run --set train\.numSteps=200\)$/,
      ) as string,
      fork,
    });
    expect(report(restingAt(100, 'cosine'), 200, { numDecaySteps: 30 }).fork).toBe(
      `${fork} --set optimizer.schedule=wsd --set optimizer.numDecaySteps=30`,
    );
  });

  it('says in the same words what cannot be', () => {
    expect(report(restingAt(100, 'constant'), 100)).toEqual({
      isPossible: false,
      reason: 'Cannot extend run "run": it is planned for 100 steps already; name more',
    });
    expect(report(restingAt(50, 'constant'), 120, { numDecaySteps: 119 })).toEqual({
      isPossible: false,
      reason: expect.stringContaining('numDecaySteps: 119 is more than the 110') as string,
    });
  });
});
