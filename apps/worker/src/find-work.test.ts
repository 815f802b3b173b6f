import { noRequests, type RunRecord } from '@berth/contracts';
import { runRecord } from '@berth/protocol/testing';
import { expect, it } from 'vitest';
import { OwnRun } from './ending/own-run.ts';
import { findWork } from './find-work.ts';

const record = runRecord('r', { status: 'preparing', attempts: [] });
const { config } = record;
const submission = { config, askedAtMs: 1, isTrained: false };

const found = (change: Partial<RunRecord>, only?: string) =>
  findWork(
    { active: () => Promise.resolve('r'), read: () => Promise.resolve({ ...record, ...change }) },
    only === undefined ? undefined : new OwnRun(only, 1_000),
  );

it('is a run that has its data and is to be trained', async () => {
  expect(await found({})).toEqual({ record });
  expect(await found({}, 'r')).toEqual({ record });
});

it.each([
  ['has no data yet', { manifestKey: null }],
  ['has the data of before it was submitted anew', { requests: { ...noRequests, submission } }],
] as const)('is coming when it %s', async (_, change) => {
  expect(await found(change)).toEqual({ coming: { ...record, ...change } });
});

it.each([
  ['is only to be prepared', { goal: 'prepared' }],
  ['has ended', { status: 'stopped' }],
] as const)('is none that %s', async (_, change) => {
  expect(await found(change)).toEqual({});
});

it('is none but the one that a worker is there for, whose end is its own', async () => {
  expect(await found({}, 'other')).toEqual({});
  expect(await found({ status: 'completed' }, 'r')).toMatchObject({ end: { kind: 'complete' } });
});
