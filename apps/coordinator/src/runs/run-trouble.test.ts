import type { ErrorCode, MemberInfo } from '@berth/contracts';
import { expect, it } from 'vitest';
import { memberOf } from '../testing/api-fixture.ts';
import { recordOf } from '../testing/made-up-run.ts';
import { troubleOf, type TroubleSnapshot } from './run-trouble.ts';

type Trouble = NonNullable<MemberInfo['troubles']>[number];

const run = recordOf('r', { status: 'running' });
const everySteps = run.config.train.checkpointEverySteps;
const snapshot: TroubleSnapshot = {
  run,
  checkpointStep: everySteps,
  members: [memberOf('a')],
  redis: { isOk: true, detail: 'fine' },
};

function trouble(code: ErrorCode, message: string, change: Partial<Trouble> = {}): Trouble {
  const error = { code, message, details: {} };
  return { doing: 'saving a checkpoint', numFailed: 1, error, ...change };
}

const withTroubles = (...troubles: Trouble[]): string | undefined =>
  troubleOf({ ...snapshot, members: [memberOf('a'), memberOf('b', { troubles })] });

it('is none while all goes well, and for runs that do not go on', () => {
  expect(troubleOf(snapshot)).toBeUndefined();
  const redis = { isOk: false, detail: 'Redis refuses writes' };
  for (const status of ['queued', 'paused', 'stopped', 'completed', 'failed'] as const)
    expect(troubleOf({ ...snapshot, run: { ...run, status }, redis })).toBeUndefined();
});

it('is that Redis takes no writes, before anything else', () => {
  const redis = { isOk: false, detail: 'Redis refuses writes: it has no memory left' };
  const members = [memberOf('a', { step: 1e6 })];
  expect(troubleOf({ ...snapshot, redis, members })).toBe(redis.detail);
});

it('is a save that fails for want of space at once, and any other that fails again', () => {
  const full = trouble('STORE_FULL', 'No space left in /s3.');
  expect(withTroubles(full)).toBe(
    `the newest checkpoint is of step ${everySteps}; saving a checkpoint fails (b) and is tried again: No space left in /s3.`,
  );
  const away = trouble('STORE_UNREACHABLE', 'It is away.');
  expect(withTroubles(away)).toBeUndefined();
  expect(withTroubles({ ...away, numFailed: 2 })).toContain('It is away.');
  expect(withTroubles({ ...away, numFailed: 9 }, full)).toContain('No space left');
});

it('is work on the data that finds no space, which says nothing of checkpoints', () => {
  const doing = 'making the dataset';
  expect(withTroubles(trouble('DISK_FULL', 'No space left in /tmp.', { doing }))).toBe(
    'making the dataset fails (b) and is tried again: No space left in /tmp.',
  );
});

it('is a newest checkpoint that is older than three intervals, or none by then', () => {
  const at = (step: number, runId = 'r') => ({
    ...snapshot,
    members: [memberOf('a'), memberOf('b', { step, runId })],
  });
  const late = at(4 * everySteps + 1);
  expect(troubleOf(at(4 * everySteps))).toBeUndefined();
  expect(troubleOf(late)).toContain(`is of step ${everySteps}, more than 3 intervals`);
  expect(troubleOf({ ...late, checkpointStep: null })).toContain('there is no checkpoint yet');
  expect(troubleOf(at(4 * everySteps + 1, 'before'))).toBeUndefined();
});
