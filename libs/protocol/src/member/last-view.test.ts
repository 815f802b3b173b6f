import type { View } from '@berth/contracts';
import { expect, it } from 'vitest';
import { decideMember } from './decide-member.ts';
import { initialMemberState, type MemberDecision } from './member-state.ts';

function viewOf(fencingEpoch: number, version: number, ...memberIds: string[]): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  return { runId: 'r', fencingEpoch, version, fromStep: 0, members, mode: 'train', reason: 'x' };
}

/** What a member that saw view 4 of epoch 2 before this life of its makes of a view. */
function seen(view: View): MemberDecision {
  const rules = {
    memberId: 'a',
    seed: 7,
    numSteps: 3,
    checkpointEverySteps: 2,
    evalEverySteps: 0,
    settleTimeoutMs: 1_000,
    stepTimeoutMs: 1_000,
    lastView: viewOf(2, 4, 'a'),
  };
  return decideMember(0, initialMemberState, { kind: 'view', view }, rules);
}

it('a view older than one of an earlier life is ignored', () => {
  for (const view of [viewOf(2, 3, 'a', 'b'), viewOf(1, 9, 'a', 'b')])
    expect(seen(view)).toMatchObject({ state: initialMemberState, tells: [], ask: undefined });
});

it('a view of an earlier life is not begun again: another is asked for', () => {
  const { state, tells, ask } = seen(viewOf(2, 4, 'a', 'b'));
  expect(ask).toBeUndefined();
  expect(state.phase.kind).toBe('idle');
  expect(tells).toContainEqual({
    kind: 'status',
    state: 'idle',
    complaint: expect.objectContaining({ viewVersion: 4, suspects: [] }),
  });
});

it('a view of an earlier life that is without us is only noted', () => {
  expect(seen(viewOf(2, 4, 'b')).tells).toContainEqual({
    kind: 'status',
    state: 'idle',
    complaint: null,
  });
});

it('a newer view is joined', () => {
  for (const view of [viewOf(2, 5, 'a', 'b'), viewOf(3, 1, 'a', 'b')])
    expect(seen(view).ask).toEqual({ kind: 'join', view });
});
