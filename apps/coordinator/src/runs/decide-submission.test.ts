import {
  isFinal,
  noRequests,
  parseRunConfig,
  runStatuses,
  tasks,
  type RunConfig,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import { decideSubmission, newRecord, type SubmissionSnapshot } from './decide-submission.ts';

const nowMs = 1_000;
const configOf = (change: object = {}): RunConfig =>
  parseRunConfig({ name: 'run', corpus: { path: '/a.txt' }, ...change }, 'test');
const untrained: SubmissionSnapshot = {
  numCommitted: 0,
  checkpointSteps: [],
  unsavedMs: 0,
  isStored: false,
  isAttended: true,
};
const trained: SubmissionSnapshot = { ...untrained, numCommitted: 45, checkpointSteps: [40] };

function recordOf(status: RunStatus, change: Partial<RunRecord> = {}): RunRecord {
  const ended = isFinal(status) ? { endedAtMs: 9, toStep: 0, endReason: 'ended' } : {};
  return {
    ...newRecord({ config: configOf(), goal: 'trained' }, 1),
    status,
    attempts: [{ ...newAttempt(1, 0, 1), ...ended }],
    manifestKey: 'm',
    exampleSetId: 'e',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'avx2', numThreads: 1 },
    ...change,
  };
}

const submit = (
  record: RunRecord,
  snapshot: SubmissionSnapshot,
  change: object = {},
  goal: RunRecord['goal'] = 'trained',
) => decideSubmission(nowMs, record, snapshot, { config: configOf(change), goal });

const other = { train: { checkpointEverySteps: 7 } };
const active = runStatuses.filter((status) => !isFinal(status));

describe('a config submitted under the name of a run that has not trained', () => {
  it.each([
    { vocabulary: { size: 999 } },
    { corpus: { path: '/a.txt', heldOutRatio: 0.5 } },
    { examples: { numShards: 3 } },
    { seed: 1 },
    { init: { from: 'bert', sha256: 'a'.repeat(64) } },
  ])('makes it anew, without the data, for %j', (change) => {
    const failed = recordOf('failed', { error: { code: 'INTERNAL', message: '', details: {} } });
    expect(submit(failed, untrained, change)).toEqual({
      ...newRecord({ config: configOf(change), goal: 'trained' }, nowMs),
      runId: undefined,
      datasetHealth: undefined,
    });
  });

  it.each([
    {},
    { model: { size: 'tiny' } },
    { examples: { maxPredictions: 7 } },
    { corpus: { path: '/b.txt' } },
    { vocabulary: { path: '/vocab.txt' } },
  ])('keeps the data, if it still is that of the files, for %j', (change) => {
    const config = configOf(change);
    expect(submit(recordOf('completed', { goal: 'prepared' }), untrained, change)).toMatchObject({
      status: 'queued',
      config: configOf(),
      manifestKey: 'm',
      numerics: null,
      attempts: [newAttempt(1, 0, nowMs)],
      requests: { submission: { config, askedAtMs: nowMs, isTrained: false } },
    });
  });

  it('trains a vocabulary in place of a given one', () => {
    const given = recordOf('stopped', { config: configOf({ vocabulary: { path: '/vocab.txt' } }) });
    expect(submit(given, untrained)).toMatchObject({ manifestKey: null });
  });
});

describe('the way in which examples are made', () => {
  const old = { exampleFormat: undefined };
  const newest = tasks.pretraining.exampleFormat;

  it('is the newest for a run that begins, also anew', () => {
    expect(newRecord({ config: configOf(), goal: 'trained' }, 1).exampleFormat).toBe(newest);
    expect(submit(recordOf('failed', old), untrained)).toMatchObject({ exampleFormat: newest });
  });

  it('stays that of a run that has trained, whichever release made it', () => {
    expect(submit(recordOf('stopped', old), trained)).not.toHaveProperty('exampleFormat');
  });
});

describe('a config submitted under the name of a run that has trained', () => {
  const ways: [string, RunRecord, SubmissionSnapshot][] = [
    ['Redis', recordOf('stopped'), trained],
    ['the bucket', recordOf('stopped'), { ...untrained, isStored: true }],
    [
      'the record',
      recordOf('stopped', { attempts: [{ ...newAttempt(1, 0, 1), toStep: 3 }] }),
      untrained,
    ],
  ];

  it.each(ways)('as %s knows, is refused if it gives other weights', (_who, record, snapshot) => {
    for (const [change, code, message] of [
      [
        { vocabulary: { size: 999 } },
        'DATA_MISMATCH',
        'vocabulary.size 30522, this config says 999',
      ],
      [{ examples: { maxPredictions: 7 } }, 'DATA_MISMATCH', 'examples.maxPredictions 20'],
      [
        { model: { size: 'tiny' } },
        'CHECKPOINT_MISMATCH',
        'model.size "base", this config says "tiny"',
      ],
      [{ cluster: { numThreads: 2 } }, 'CHECKPOINT_MISMATCH', 'cluster.numThreads 1'],
    ] as const)
      expect(() => submit(record, snapshot, change)).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
      );
  });

  it.each(ways)('as %s knows, goes on once its data is the same', (_who, record, snapshot) => {
    const config = configOf({ ...other, corpus: { path: '/b.txt' } });
    const change = submit(record, snapshot, { ...other, corpus: { path: '/b.txt' } });
    expect(change).toMatchObject({
      status: 'queued',
      requests: { submission: { config, askedAtMs: nowMs, isTrained: true } },
    });
    // Nothing was read of it yet.
    expect(change).not.toHaveProperty('config');
    expect(change).not.toHaveProperty('manifestKey');
  });

  it('may not begin with other weights', () => {
    const from = (letter: string): object => ({
      init: { from: './bert', sha256: letter.repeat(64) },
    });
    const begun = recordOf('stopped', { config: configOf(from('a')) });
    expect(() => submit(begun, trained, from('b'))).toThrow(
      /made with init\.sha256 "a{64}", this config says "b{64}"; what it has trained cannot be used/,
    );
    expect(submit(begun, trained, from('a'))).toMatchObject({ status: 'queued' });
  });

  it('may not leave a given vocabulary out', () => {
    const given = recordOf('stopped', { config: configOf({ vocabulary: { path: '/vocab.txt' } }) });
    expect(() => submit(given, trained)).toThrow(
      /vocabulary.path "\/vocab.txt", this config says unset/,
    );
  });

  it('is refused when it is completed', () => {
    expect(() => submit(recordOf('completed'), trained)).toThrow(/is completed/);
  });
});

describe('a config submitted under the name of a run that is under way', () => {
  it.each(active)('says what differs while it is %s', (status) => {
    expect(() => submit(recordOf(status), untrained, other)).toThrow(
      expect.objectContaining({
        code: 'RUN_STATE_CONFLICT',
        message: expect.stringContaining(
          `is ${status} with train.checkpointEverySteps 100, and this config says 7: pause it first`,
        ) as string,
      }),
    );
    expect(() => submit(recordOf(status), untrained, { corpus: { path: '/b.txt' } })).toThrow(
      /corpus.path "\/a.txt"/,
    );
  });

  const isEnding = (status: RunStatus): boolean => ['pausing', 'stopping'].includes(status);

  it.each(active.filter((status) => !isEnding(status)))(
    'changes nothing if it is the same, while it is %s',
    (status) => {
      expect(submit(recordOf(status), untrained)).toBeUndefined();
    },
  );

  it.each(active.filter(isEnding))('waits until it is no longer %s', (status) => {
    expect(() => submit(recordOf(status), untrained)).toThrow(/once that is done/);
  });

  it('is compared with what was submitted last', () => {
    const submission = { config: configOf(other), askedAtMs: 5, isTrained: false };
    const record = recordOf('queued', { requests: { ...noRequests, submission } });
    expect(submit(record, untrained, other)).toBeUndefined();
    expect(() => submit(record, untrained)).toThrow(/checkpointEverySteps 7/);
  });

  it('is trained after its data is prepared, when asked for', () => {
    const preparing = recordOf('preparing', { goal: 'prepared' });
    expect(submit(preparing, untrained)).toEqual({ goal: 'trained' });
    expect(() => submit(recordOf('running'), trained, {}, 'prepared')).toThrow(/is to be trained/);
  });

  const left = { ...trained, isAttended: false };
  it.each(['starting', 'running', 'degraded', 'recovering', 'pausing', 'stopping'] as const)(
    'takes other settings when its cluster has died while it was %s',
    (status) => {
      const change = submit(recordOf(status), left, other);
      expect(change).toMatchObject({
        status: 'queued',
        requests: { submission: { config: configOf(other), isTrained: true } },
      });
      expect(change).not.toHaveProperty('attempts');
    },
  );

  it('is made anew when its cluster has died before it trained', () => {
    const change = submit(recordOf('preparing'), { ...untrained, isAttended: false }, { seed: 3 });
    expect(change).toMatchObject({ status: 'queued', manifestKey: null, config: { seed: 3 } });
  });
});
