import { noRequests, type RunRecord } from '@berth/contracts';
import { runRecord } from '@berth/protocol/testing';
import { expect, it } from 'vitest';
import { judgeOwnRun, OwnRun } from './own-run.ts';

const numerics = { tensorflow: '2.21.0', device: 'cpu', kernels: 'avx2', numThreads: 1 };
const record = runRecord('r', { numerics: { ...numerics, fingerprint: 'a' } });
const submission = { config: record.config, askedAtMs: 1, isTrained: false };

const judged = (change: Partial<RunRecord>, situation = {}): string => {
  const judgement = judgeOwnRun('r', { ...record, ...change }, situation);
  return judgement.kind === 'open' ? 'open' : `${judgement.kind}: ${judgement.end.kind}`;
};

it.each([
  [{ status: 'completed' }, 'over: complete'],
  [{ status: 'failed' }, 'over: failed'],
  [{ status: 'stopped' }, 'over: stopped'],
  [{ status: 'paused' }, 'hindered: paused'],
  [{ status: 'queued' }, 'open'],
  [{ status: 'stopping' }, 'open'],
  // What it was before it was submitted again says nothing.
  [{ status: 'completed', requests: { ...noRequests, submission } }, 'open'],
] as const)('a run that is %o', (change, expected) => {
  expect(judged(change)).toBe(expected);
});

it('is refused for other numerics, once they are known, and for what it could not do', () => {
  expect(judged({}, { numerics })).toBe('open');
  expect(judged({}, { numerics: { ...numerics, fingerprint: 'a' } })).toBe('open');
  expect(judged({}, { numerics: { ...numerics, fingerprint: 'b' } })).toBe('hindered: refused');
  expect(judged({}, { numerics: { ...numerics, kernels: 'avx512' } })).toBe('hindered: refused');
  expect(judged({}, { trouble: 'no corpus here' })).toBe('hindered: refused');
});

it('ends when it has waited long enough for one thing', () => {
  let nowMs = 0;
  const own = new OwnRun('r', 1_000, () => nowMs);
  const look = (atMs: number, now: RunRecord | undefined): string | undefined => {
    nowMs = atMs;
    return own.look(now)?.reason;
  };
  expect(look(0, undefined)).toBeUndefined();
  expect(look(900, undefined)).toBeUndefined();
  expect(look(950, record)).toBeUndefined();
  expect(look(1_100, undefined)).toBeUndefined();
  expect(look(2_000, { ...record, status: 'paused', reason: 'pause' })).toBeUndefined();
  expect(look(2_999, { ...record, status: 'paused', reason: 'pause' })).toBeUndefined();
  expect(look(3_000, { ...record, status: 'paused', reason: 'pause' })).toBe(
    'run r is paused: pause (after 1 s of waiting)',
  );
  expect(look(4_000, undefined)).toBeUndefined();
  expect(look(5_000, undefined)).toBe('there is no run r (after 1 s of waiting)');
});
