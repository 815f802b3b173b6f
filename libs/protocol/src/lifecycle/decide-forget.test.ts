import type { RunRecord } from '@berth/contracts';
import { noRequests } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { runRecord } from '../testing/run-record.ts';
import { beginAttempt, endAttempt, newAttempt } from './attempts.ts';
import { decideForget, type Forgetting } from './decide-forget.ts';

const end = { nowMs: 5, step: 100, reason: 'trained 100 steps' };
const forgetting: Forgetting = {
  before: 'datasets/a/manifest.json',
  manifestKey: 'datasets/b/manifest.json',
  exampleSetIds: ['set-b'],
  numDocuments: 2,
  firstUse: 70,
};
const rested: Partial<RunRecord> = {
  status: 'completed',
  attempts: endAttempt([newAttempt(1, 0, 0)], end),
  manifestKey: forgetting.before,
  exampleSetId: 'set-a',
  keptSteps: [40, 80],
};

function decide(change: Partial<RunRecord> = {}, asked: Partial<Forgetting> = {}) {
  const record = runRecord('run', { ...rested, ...change });
  const snapshot = { numCommitted: 100, checkpointSteps: [40, 60, 80, 100], unsavedMs: 0 };
  return decideForget(9, record, snapshot, { ...forgetting, ...asked });
}

describe('decideForget', () => {
  it('goes back to the last checkpoint before the first use, on the new data', () => {
    expect(decide()).toEqual({
      kind: 'change',
      reason: expect.stringContaining('trains 40 steps from step 60 on again') as string,
      change: {
        manifestKey: forgetting.manifestKey,
        exampleSetId: 'set-b',
        phaseSetIds: undefined,
        forgotten: [
          {
            atMs: 9,
            numDocuments: 2,
            before: forgetting.before,
            exampleSetIdsBefore: ['set-a'],
            manifestKey: forgetting.manifestKey,
            firstUse: 70,
            wentBackTo: 60,
          },
        ],
        status: 'queued',
        reason: expect.stringContaining('step 70') as string,
        error: null,
        goal: 'trained',
        attempts: beginAttempt(rested.attempts!, { fromStep: 60, nowMs: 9, wentBackTo: 60 }),
        requests: { ...noRequests, rewind: { toStep: 60, attempt: 1, askedAtMs: 9 } },
        keptSteps: [40],
      },
    });
  });

  it.each([
    [60, 60],
    [59, 40],
    [3, 0],
    [0, 0],
  ])('a first use in step %i takes it back to %i', (firstUse, toStep) => {
    expect(decide({}, { firstUse })).toMatchObject({
      change: { requests: { rewind: { toStep } } },
    });
  });

  it('does not go beyond where the run is to go back to anyway', () => {
    const requests = { ...noRequests, rewind: { toStep: 40, attempt: 1, askedAtMs: 3 } };
    expect(decide({ status: 'paused', requests })).toMatchObject({
      change: { requests: { rewind: { toStep: 40, askedAtMs: 9 } } },
    });
  });

  it('only changes the data of a run that has not met them', () => {
    const earlier = { ...forgetting, atMs: 1, exampleSetIdsBefore: ['x'], wentBackTo: null };
    const { exampleSetIds: _sets, ...forgotten } = earlier;
    const decision = decide(
      { forgotten: [forgotten] },
      { firstUse: null, exampleSetIds: ['b', 'c'] },
    );
    expect(decision).toMatchObject({
      change: { exampleSetId: 'b', phaseSetIds: ['b', 'c'], forgotten: [forgotten, { atMs: 9 }] },
    });
    expect(decision).not.toHaveProperty('change.status');
    expect(decision).not.toHaveProperty('change.attempts');
  });

  it.each<[Partial<RunRecord>, Partial<Forgetting>, RegExp]>([
    [{ status: 'running' }, {}, /it is running: pause it first/],
    [{ status: 'queued' }, {}, /it is queued: pause it first/],
    [{ requests: { ...noRequests, remove: true } }, {}, /being removed/],
    [{ manifestKey: null }, {}, /not prepared yet/],
    [{}, { before: 'datasets/z/manifest.json' }, /changed meanwhile/],
    [
      { forkedFrom: { runId: 'old', step: 60, ledgerHead: 'h' } },
      { firstUse: 10 },
      /forget them in old, and fork that again/,
    ],
  ])('refuses %j', (change, asked, reason) => {
    expect(decide(change, asked)).toMatchObject({
      kind: 'refuse',
      reason: expect.stringMatching(reason) as string,
    });
  });
});
