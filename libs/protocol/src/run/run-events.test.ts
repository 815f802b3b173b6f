import { noRequests, type MemberInfo, type RunRecord, type View } from '@berth/contracts';
import { expect, it } from 'vitest';
import { liveMember } from '../testing/live-member.ts';
import { eventsOfRecord, eventsOfView } from './run-events.ts';

const record = {
  status: 'running',
  reason: 'trains',
  updatedAtMs: 7,
  attempts: [{ attempt: 1 }, { attempt: 2 }],
  requests: noRequests,
} as unknown as RunRecord;

function textsOf(
  before: readonly string[],
  after: readonly string[],
  reason: string,
  live: readonly MemberInfo[] | undefined,
): string[] {
  const seat = (memberId: string) => ({ memberId, host: 'h', port: 1, blocks: [] });
  const draft = { fencingEpoch: 1, mode: 'train' as const, reason, members: after.map(seat) };
  const view = { ...draft, members: before.map(seat), runId: 'r', version: 1, fromStep: 0 } as View;
  const lastHeard = new Map((live ?? []).map((info) => [info.memberId, { info, timeMs: 3 }]));
  const change = { record, timeMs: 5, before: view, draft, live, lastHeard };
  return eventsOfView(change).map(({ text }) => text);
}

it('tell who joins, and why others are there no more', () => {
  const [a, b] = [liveMember('a'), liveMember('b')];
  expect(textsOf(['a'], ['a', 'b'], 'b joined', [a, b])).toEqual(['b joined']);
  expect(textsOf(['a', 'b'], ['a'], 'lost b', [a])).toEqual(['b lost: its heartbeats stopped']);
  expect(textsOf(['a', 'b'], ['a'], 'without b: its connection broke', [a, b])).toEqual([
    'b lost: its connection broke',
  ]);
  expect(textsOf(['a', 'b'], ['a'], 'left by b', [a, { ...b, state: 'draining' }])).toEqual([
    'b left: it ended in order',
  ]);
  expect(textsOf(['a', 'b'], [], 'saved at step 40', [a])).toEqual([
    'a left: saved at step 40',
    'b lost: its heartbeats stopped',
  ]);
  expect(textsOf(['a'], [], 'going back to step 2', undefined)).toEqual([
    'a left: going back to step 2',
  ]);
});

it('tell what a changed record means, of the newest attempt', () => {
  const rewind = { toStep: 2, attempt: 1, askedAtMs: 1 };
  const change = (before: Partial<RunRecord>, after: Partial<RunRecord>) =>
    eventsOfRecord({ ...record, ...before }, { ...record, ...after });
  const place = { attempt: 2, timeMs: 7 };
  expect(change({}, { reason: 'still trains' })).toEqual([]);
  expect(change({ status: 'starting' }, {})).toEqual([
    { ...place, kind: 'status', text: 'running: trains' },
  ]);
  expect(change({ requests: { ...noRequests, rewind } }, {})).toEqual([
    { ...place, kind: 'rewound', text: 'went back to step 2' },
  ]);
  const reason = 'saved checkpoint 40, as asked for';
  expect(change({ requests: { ...noRequests, checkpoint: true } }, { reason })).toEqual([
    { ...place, kind: 'saved', text: reason },
  ]);
});
