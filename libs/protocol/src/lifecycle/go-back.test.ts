import { noRequests } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { runRecord } from '../testing/run-record.ts';
import { goBack } from './go-back.ts';

const record = runRecord('run', {
  requests: { ...noRequests, checkpoint: true },
  keptSteps: [10, 20, 30],
});
const going = { nowMs: 7, numCommitted: 35, toStep: 20, reason: 'b has a damaged state' };

describe('going back', () => {
  it('begins another attempt behind a rewind, in one change', () => {
    const change = goBack(record, going);
    expect(change).toMatchObject({
      status: 'starting',
      requests: { checkpoint: true, rewind: { toStep: 20, attempt: 1, askedAtMs: 7 } },
      keptSteps: [10, 20],
    });
    expect(change.reason).toMatch(/goes back to step 20: b has a damaged state/);
    expect(change.attempts).toMatchObject([
      { attempt: 1, toStep: 35, abandonedFromStep: 20, endReason: 'b has a damaged state' },
      { attempt: 2, fromStep: 20, wentBackTo: 20, endedAtMs: null },
    ]);
  });

  it.each([
    ['pausing', 'paused'],
    ['stopping', 'stopped'],
  ] as const)(
    'lets a run that is %s rest, and keeps the rewind for when it is resumed',
    (from, to) => {
      const change = goBack({ ...record, status: from }, going);
      expect(change).toMatchObject({ status: to, requests: { rewind: { toStep: 20 } } });
      expect(change.attempts).toBeUndefined();
    },
  );

  it('does nothing to a run that is over', () => {
    expect(goBack({ ...record, status: 'completed' }, going)).toEqual({});
  });
});
