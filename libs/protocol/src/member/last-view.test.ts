import type { View } from '@berth/contracts';
import { expect, it } from 'vitest';
import { MemberProtocol } from './member-protocol.ts';
import { newMemory } from './memory.ts';

function viewOf(fencingEpoch: number, version: number, ...memberIds: string[]): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  return { runId: 'r', fencingEpoch, version, fromStep: 0, members, mode: 'train', reason: 'x' };
}

/** What a member that saw view 4 of epoch 2 before this life of its makes of a view. */
function seen(view: View) {
  const rules = {
    memberId: 'a',
    seed: 7,
    numSteps: 3,
    milestones: [],
    checkpointEverySteps: 2,
    checkpointEveryMs: 0,
    evalEverySteps: 0,
    settleTimeoutMs: 1_000,
    stepTimeoutMs: 1_000,
  };
  const memory = newMemory(viewOf(2, 4, 'a'));
  const protocol = new MemberProtocol(rules, memory);
  const { tells, ask } = protocol.decide(0, { kind: 'view', view });
  return { memory, tells, ask };
}

it('a view older than one of an earlier life is ignored', () => {
  for (const view of [viewOf(2, 3, 'a', 'b'), viewOf(1, 9, 'a', 'b')])
    expect(seen(view)).toEqual({
      memory: newMemory(viewOf(2, 4, 'a')),
      tells: [],
      ask: undefined,
    });
});

it('a view of an earlier life is not begun again: another is asked for', () => {
  const { tells, ask } = seen(viewOf(2, 4, 'a', 'b'));
  expect(ask).toBeUndefined();
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
