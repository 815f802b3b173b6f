import {
  controls,
  isFinal,
  noRequests,
  parseRunConfig,
  runRecordSchema,
  runStatuses,
  trainingHash,
  type Control,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newAttempt } from './attempts.ts';
import { controlStates } from './control-states.ts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { decideControl } from './decide-control.ts';

const config = parseRunConfig(
  { name: 'run', corpus: { path: 'c' }, train: { numSteps: 100 } },
  'test',
);
const snapshot: ControlSnapshot = {
  numCommitted: 45,
  checkpointSteps: [20, 40],
  unsavedMs: 120_000,
};
const nowMs = 1_000_000;

function recordOf(status: RunStatus, change: Partial<RunRecord> = {}): RunRecord {
  const ended = { endedAtMs: 900, toStep: status === 'completed' ? 100 : 45, endReason: 'ended' };
  const attempt = newAttempt(1, 0, 1);
  return {
    runId: 'run',
    config,
    trainingHash: trainingHash(config),
    status,
    reason: 'as it is',
    error: null,
    goal: 'trained',
    createdAtMs: 1,
    updatedAtMs: 1,
    attempts: [isFinal(status) ? { ...attempt, ...ended } : attempt],
    requests: noRequests,
    keptSteps: [20, 40],
    evaluations: [],
    manifestKey: 'm',
    exampleSetId: 'e',
    numerics: null,
    ...change,
  };
}

/** What the status becomes; `same` and `no` change nothing, `asked` is done later, in the same status. */
type Outcome = RunStatus | 'same' | 'asked' | 'no';

const table: Record<RunStatus, Record<Control, Outcome>> = {
  queued: { pause: 'paused', resume: 'same', stop: 'stopped', kill: 'stopped', checkpoint: 'no' },
  preparing: {
    pause: 'paused',
    resume: 'same',
    stop: 'stopped',
    kill: 'stopped',
    checkpoint: 'no',
  },
  starting: {
    pause: 'pausing',
    resume: 'same',
    stop: 'stopping',
    kill: 'stopping',
    checkpoint: 'no',
  },
  running: {
    pause: 'pausing',
    resume: 'same',
    stop: 'stopping',
    kill: 'stopping',
    checkpoint: 'asked',
  },
  degraded: {
    pause: 'pausing',
    resume: 'same',
    stop: 'stopping',
    kill: 'stopping',
    checkpoint: 'asked',
  },
  recovering: {
    pause: 'pausing',
    resume: 'same',
    stop: 'stopping',
    kill: 'stopping',
    checkpoint: 'asked',
  },
  pausing: { pause: 'same', resume: 'no', stop: 'stopping', kill: 'stopping', checkpoint: 'same' },
  paused: { pause: 'same', resume: 'queued', stop: 'stopped', kill: 'stopped', checkpoint: 'no' },
  stopping: { pause: 'no', resume: 'no', stop: 'same', kill: 'asked', checkpoint: 'same' },
  stopped: { pause: 'no', resume: 'queued', stop: 'same', kill: 'same', checkpoint: 'no' },
  completed: { pause: 'no', resume: 'no', stop: 'no', kill: 'no', checkpoint: 'no' },
  failed: { pause: 'no', resume: 'queued', stop: 'no', kill: 'no', checkpoint: 'no' },
};

function outcomeOf(before: RunRecord, control: Control, fromStep?: number): Outcome {
  const request = fromStep === undefined ? {} : { fromStep };
  const decision = decideControl(nowMs, before, snapshot, control, request);
  switch (decision.kind) {
    case 'same':
      return 'same';
    case 'refuse':
      return 'no';
    case 'change': {
      const after = runRecordSchema.parse({ ...before, ...decision.change });
      return after.status === before.status ? 'asked' : after.status;
    }
  }
}

const cases = runStatuses.flatMap((status) =>
  controls.map((control) => [status, control, table[status][control]] as const),
);

describe('a control', () => {
  it.each(cases)('of a run that is %s: %s gives %s', (status, control, outcome) => {
    expect(outcomeOf(recordOf(status), control)).toBe(outcome);
  });

  it.each(cases)('of a run that is %s: %s, asked twice, is done once', (status, control) => {
    const before = recordOf(status);
    const decision = decideControl(nowMs, before, snapshot, control);
    if (decision.kind !== 'change') return;
    const after = { ...before, ...decision.change };
    const again = decideControl(nowMs + 5, after, snapshot, control);
    expect(again).toMatchObject({ kind: 'same' });
  });

  it.each(cases)('of a run that is %s: %s says what it does or why not', (status, control) => {
    const { isEnabled, reason } = controlStates(nowMs, recordOf(status), snapshot)[control];
    expect(isEnabled).toBe(!['same', 'no'].includes(table[status][control]));
    expect(reason).toMatch(/^[a-z].*[^.]$/);
  });

  it('says what is lost and where it goes on', () => {
    const states = controlStates(nowMs, recordOf('running'), snapshot);
    expect(states.kill.reason).toBe(
      'ends at once without saving; 5 steps (2 min) since checkpoint 40 will be lost',
    );
    expect(controlStates(nowMs, recordOf('stopped'), snapshot).resume.reason).toBe(
      'goes on from checkpoint 40; 5 steps after it, not saved, will be done again',
    );
    const unsaved = { numCommitted: 1, checkpointSteps: [], unsavedMs: 3_000 };
    expect(controlStates(nowMs, recordOf('running'), unsaved).checkpoint.reason).toBe(
      'saves after the step under way and goes on; now 1 step (3 s) since the beginning',
    );
  });
});

describe('resuming from a checkpoint', () => {
  const resting = runStatuses.filter(isFinal);

  it.each(resting)('begins an attempt of a run that is %s, and makes a branch', (status) => {
    const before = recordOf(status, { error: { code: 'INTERNAL', message: '', details: {} } });
    const decision = decideControl(nowMs, before, snapshot, 'resume', { fromStep: 20 });
    expect(decision).toMatchObject({
      kind: 'change',
      change: {
        status: 'queued',
        error: null,
        attempts: [{ abandonedFromStep: 20 }, { attempt: 2, fromStep: 20, startedAtMs: nowMs }],
        requests: { ...noRequests, rewind: { toStep: 20, attempt: 1, askedAtMs: nowMs } },
      },
    });
    if (decision.kind !== 'change') return;
    const after = { ...before, ...decision.change };
    expect(outcomeOf(after, 'resume', 20)).toBe('same');
    expect(outcomeOf(after, 'resume')).toBe('same');
    expect(outcomeOf(after, 'resume', 40)).toBe('no');
  });

  it.each(runStatuses.filter((status) => !isFinal(status)))('waits while it is %s', (status) => {
    expect(outcomeOf(recordOf(status), 'resume', 20)).toBe('no');
  });

  it('names the checkpoints there are', () => {
    const decision = decideControl(nowMs, recordOf('stopped'), snapshot, 'resume', {
      fromStep: 30,
    });
    expect(decision).toEqual({
      kind: 'refuse',
      code: 'CHECKPOINT_NOT_FOUND',
      reason: 'there is no complete checkpoint at step 30; there are: 20, 40',
    });
  });

  it('leaves an attempt alone that did not reach the checkpoint', () => {
    const attempts = [
      { ...newAttempt(1, 0, 1), endedAtMs: 2, toStep: 15 },
      { ...newAttempt(2, 15, 3), endedAtMs: 4, toStep: 45 },
    ];
    const before = recordOf('stopped', { attempts });
    const decision = decideControl(nowMs, before, snapshot, 'resume', { fromStep: 20 });
    expect(decision).toMatchObject({
      change: {
        attempts: [{ abandonedFromStep: null }, { abandonedFromStep: 20 }, { attempt: 3 }],
      },
    });
  });

  it('rewinds before anything else, also when it was paused before its turn came', () => {
    const rewind = { toStep: 20, attempt: 1, askedAtMs: 5 };
    const before = recordOf('queued', { requests: { ...noRequests, rewind } });
    const paused = decideControl(nowMs, before, snapshot, 'pause');
    expect(paused).toMatchObject({ change: { requests: { rewind }, attempts: [{ toStep: 20 }] } });
    if (paused.kind !== 'change') return;
    const after = { ...before, ...paused.change };
    expect(decideControl(nowMs, after, snapshot, 'resume')).toMatchObject({
      change: { requests: { rewind }, attempts: [{}, { fromStep: 20 }] },
    });
    expect(outcomeOf(after, 'resume', 40)).toBe('no');
  });

  it.each(['pause', 'stop', 'kill'] as const)(
    'is withdrawn by %s until its turn comes',
    (control) => {
      const attempts = [
        { ...newAttempt(1, 0, 1), endedAtMs: 2, toStep: 60, endReason: 'x', abandonedFromStep: 40 },
        { ...newAttempt(2, 40, 3), endedAtMs: 4, toStep: 100, endReason: 'all steps are done' },
      ];
      const before = recordOf('completed', { attempts, reason: 'all steps are done' });
      const asked = decideControl(nowMs, before, snapshot, 'resume', { fromStep: 20 });
      const queued = { ...before, ...(asked.kind === 'change' ? asked.change : {}) };
      expect(queued.attempts.map(({ abandonedFromStep }) => abandonedFromStep)).toEqual([
        20,
        20,
        null,
      ]);
      const back = decideControl(nowMs + 1, queued, snapshot, control);
      const after = { ...queued, ...(back.kind === 'change' ? back.change : {}) };
      expect(after).toEqual({ ...before, error: null });
      const begun = decideControl(nowMs + 1, { ...queued, status: 'preparing' }, snapshot, control);
      expect(begun).toMatchObject({ change: { requests: { rewind: { toStep: 20 } } } });
    },
  );

  it('has nothing to do from the last step', () => {
    const all = { ...snapshot, numCommitted: 100, checkpointSteps: [100] };
    const request = { fromStep: 100 };
    expect(decideControl(nowMs, recordOf('completed'), all, 'resume', request).kind).toBe('refuse');
  });

  it('goes on with a completed run whose config has more steps now', () => {
    const longer = { ...config, train: { ...config.train, numSteps: 200 } };
    expect(outcomeOf(recordOf('completed', { config: longer }), 'resume')).toBe('queued');
  });
});

describe('any sequence of controls and of what the coordinator does', () => {
  /** What the coordinator may make of each status, without being asked. */
  const byItself: Partial<Record<RunStatus, readonly RunStatus[]>> = {
    queued: ['preparing'],
    preparing: ['starting', 'failed'],
    starting: ['running', 'degraded', 'failed'],
    running: ['degraded', 'recovering', 'completed', 'failed'],
    degraded: ['running', 'recovering', 'completed', 'failed'],
    recovering: ['running', 'degraded', 'failed'],
    pausing: ['paused', 'completed', 'failed'],
    stopping: ['stopped', 'completed', 'failed'],
  };
  const action = fc.oneof(
    fc.record({
      control: fc.constantFrom(...controls),
      fromStep: fc.option(fc.constantFrom(20, 30, 40), { nil: undefined }),
    }),
    fc.nat(5).map((choice) => ({ choice })),
  );

  it('keeps attempts in order, one open while it is under way, and never kills what rests', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let record = recordOf('queued');
        for (const [time, step] of actions.entries()) {
          if ('choice' in step) {
            const next = byItself[record.status] ?? [];
            const status = next[step.choice % Math.max(1, next.length)];
            if (status === undefined) continue;
            const end = { endedAtMs: time, toStep: 45, endReason: status };
            const attempts = isFinal(status)
              ? [...record.attempts.slice(0, -1), { ...record.attempts.at(-1)!, ...end }]
              : record.attempts;
            const requests = isFinal(status) ? { ...noRequests } : record.requests;
            record = { ...record, status, attempts, requests };
            continue;
          }
          const { control, fromStep } = step;
          const request = fromStep === undefined ? {} : { fromStep };
          const decision = decideControl(time, record, snapshot, control, request);
          if (decision.kind !== 'change') continue;
          record = runRecordSchema.parse({ ...record, ...decision.change });
          const again = decideControl(time + 1, record, snapshot, control, request);
          expect(again.kind).toBe('same');
        }
        const { attempts, requests, status } = record;
        expect(attempts.map(({ attempt }) => attempt)).toEqual(
          attempts.map((_, index) => index + 1),
        );
        expect(attempts.slice(0, -1).every(({ endedAtMs }) => endedAtMs !== null)).toBe(true);
        expect(attempts.at(-1)?.endedAtMs === null).toBe(!isFinal(status));
        expect(requests.kill && status !== 'stopping').toBe(false);
        expect(isFinal(status) && requests.checkpoint).toBe(false);
      }),
    );
  });
});

describe('an attempt', () => {
  const rewind = { toStep: 20, attempt: 1, askedAtMs: 2 };
  const begun = (record: RunRecord, request = {}) => {
    const decision = decideControl(nowMs, record, snapshot, 'resume', request);
    return decision.kind === 'change' ? decision.change.attempts?.at(-1) : undefined;
  };

  it('says that it went back, so that what came after is left behind', () => {
    expect(begun(recordOf('stopped'), { fromStep: 20 })?.wentBackTo).toBe(20);
    const asked = recordOf('paused', { requests: { ...noRequests, rewind } });
    expect(begun(asked)?.wentBackTo).toBe(20);
  });

  it('is begun over when nothing was trained in any', () => {
    const none: ControlSnapshot = { numCommitted: 0, checkpointSteps: [], unsavedMs: 0 };
    const ended = { endedAtMs: 900, toStep: 0, endReason: 'the data is prepared' };
    const attempts = [{ ...newAttempt(1, 0, 1), ...ended }];
    const decide = (change: Partial<RunRecord>, seen = none) =>
      decideControl(nowMs, recordOf('stopped', { attempts, ...change }), seen, 'resume');
    expect(decide({})).toMatchObject({ change: { attempts: [newAttempt(1, 0, nowMs)] } });
    const second = { change: { attempts: [{}, { attempt: 2 }] } };
    expect(decide({}, { ...none, numCommitted: 1 })).toMatchObject(second);
    expect(decide({}, { ...none, checkpointSteps: [1] })).toMatchObject(second);
    const trained = [{ ...newAttempt(1, 0, 1), ...ended, toStep: 3 }];
    expect(decide({ attempts: trained })).toMatchObject(second);
  });

  it('that goes on leaves nothing behind, whatever Redis has lost of the ledger', () => {
    const lost: ControlSnapshot = { numCommitted: 0, checkpointSteps: [], unsavedMs: 0 };
    const decision = decideControl(nowMs, recordOf('stopped'), lost, 'resume');
    const attempts = decision.kind === 'change' ? decision.change.attempts : undefined;
    expect(attempts?.at(-1)?.wentBackTo).toBeUndefined();
  });
});

it.each(['pause', 'stop', 'kill'] as const)('says what a run was at before %s', (control) => {
  const reasonAt = (status: RunStatus): unknown =>
    decideControl(nowMs, recordOf(status), { ...snapshot, numCommitted: 0 }, control);
  const because = (end: RegExp) => ({
    change: { reason: expect.stringMatching(end) as string },
  });
  expect(reasonAt('queued')).toMatchObject(because(/before its turn came$/));
  expect(reasonAt('preparing')).toMatchObject(because(/while its data was made$/));
});
