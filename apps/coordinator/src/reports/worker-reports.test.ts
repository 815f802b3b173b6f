import type { MemberInfo, Numerics, View } from '@berth/contracts';
import { expect, it } from 'vitest';
import { stragglers } from '@berth/protocol';
import { describeWorkers } from './worker-reports.ts';

const numerics = { tensorflow: '2', device: 'cpu', kernels: 'avx2', numThreads: 1 };
const member = (memberId: string, change: Partial<MemberInfo> = {}): MemberInfo => ({
  memberId,
  hostname: 'h',
  host: '127.0.0.1',
  port: 1,
  pid: 1,
  numerics,
  state: 'idle',
  runId: 'r',
  step: -1,
  complaint: null,
  rankMs: null,
  startedAtMs: 0,
  ...change,
});
const view = { runId: 'r', members: [{ memberId: 'a', blocks: [] }] } as unknown as View;

function stateOf(info: MemberInfo, required: Numerics = numerics): string {
  const members = [{ info, ageMs: 10 }];
  const [report] = describeWorkers({ members, view, numCommitted: 40, numerics: required });
  return `${report?.state}: ${report?.reason}`;
}

it('tells what a worker is at that cannot take part yet', () => {
  const opening = { activity: 'compiling', forMs: 12_400 } as const;
  expect(stateOf(member('b', { opening }))).toBe('syncing: compiling, 12 s so far');
  expect(stateOf(member('b'))).toBe('idle: ready, not needed by run r now');
});

it('finds the same workers straggling as the reason of the run names', () => {
  const pair = [
    member('a', { state: 'training', rankMs: 100 }),
    member('b', { state: 'training', rankMs: 160 }),
  ];
  const membersOfView = pair.map(({ memberId }) => ({ memberId, blocks: [] }));
  const reports = describeWorkers({
    members: pair.map((info) => ({ info, ageMs: 10 })),
    view: { runId: 'r', members: membersOfView } as unknown as View,
    numCommitted: 0,
  });
  expect(reports.map(({ state, reason }) => `${state}: ${reason}`)).toEqual([
    'active: trains',
    'straggling: takes 1.6 times as long as the others',
  ]);
  expect(stragglers(pair)).toContain('b takes 160 ms');
});

it('refuses one that computes differently, also while it opens the run', () => {
  const opening = { activity: 'compiling', forMs: 1 } as const;
  const other = member('b', {
    state: 'syncing',
    opening,
    numerics: { ...numerics, numThreads: 2 },
  });
  expect(stateOf(other)).toMatch(/^refused: .*numThreads/);
  const fingerprinted = { ...numerics, fingerprint: '01' };
  const opens = member('b', { state: 'syncing', opening });
  expect(stateOf(opens, fingerprinted)).toBe('syncing: compiling, 0 s so far');
  expect(stateOf(member('b'), fingerprinted)).toMatch(/^refused: it does not say/);
});

it('says why one drains as soon as it is told to', () => {
  expect(stateOf(member('b', { state: 'training', drain: { reason: 'SIGTERM' } }))).toBe(
    'draining: told to leave: SIGTERM',
  );
});
