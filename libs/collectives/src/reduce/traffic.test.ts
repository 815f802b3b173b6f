import { describe, expect, it } from 'vitest';
import type { View } from '@berth/contracts';
import { assignBlocks } from './blocks.ts';
import { lowestMs, trafficOf, trafficOfLinks } from './traffic.ts';

function viewOf(numMembers: number, numVirtualRanks: number): View {
  const memberIds = Array.from({ length: numMembers }, (_, index) => `member-${index}`);
  const blocks = assignBlocks(numVirtualRanks, memberIds);
  const members = memberIds.map((memberId, index) => ({
    memberId,
    host: '10.0.0.1',
    port: 1,
    blocks: blocks[index] ?? [],
  }));
  const facts = { mode: 'train', reason: 'test', runId: 'test' } as const;
  return { ...facts, fencingEpoch: 1, version: 1, fromStep: 0, members };
}

describe('trafficOf', () => {
  it('is 2 (N - 1) / N of the vector both ways where each member has one block', () => {
    const [first] = trafficOf(viewOf(4, 4), { dtype: 'fp32', length: 1 << 20, numExact: 0 });
    const slice = 1 << 20;
    expect(first).toEqual({
      sent: { reduceScatter: 3 * slice, allGather: 3 * slice },
      received: { reduceScatter: 3 * slice, allGather: 3 * slice },
    });
  });

  it('counts every byte once as sent and once as received, and each block of a member', () => {
    const traffic = trafficOf(viewOf(3, 8), { dtype: 'bf16', length: 1_000_000, numExact: 7 });
    const total = (way: 'sent' | 'received', phase: 'reduceScatter' | 'allGather'): number =>
      traffic.reduce((sum, member) => sum + member[way][phase], 0);
    for (const phase of ['reduceScatter', 'allGather'] as const)
      expect(total('sent', phase)).toBe(total('received', phase));
    // Three members have two blocks each at most of eight ranks: more than the three slices of one block each.
    expect(total('sent', 'reduceScatter')).toBeGreaterThan(total('sent', 'allGather'));
  });
});

describe('trafficOfLinks', () => {
  const shape = { dtype: 'fp32', length: 1 << 20, numExact: 0 } as const;

  it('counts what leaves a host, whichever of its members sends it', () => {
    const { members, ...view } = viewOf(4, 4);
    const placed = members.map((member, index) => ({ ...member, host: `10.0.0.${index >> 1}` }));
    const links = trafficOfLinks({ ...view, members: placed }, shape);
    // Two members send two of four slices each, in both phases.
    const half = { reduceScatter: 4 << 20, allGather: 4 << 20 };
    expect([...links]).toEqual([
      ['10.0.0.0', { sent: half, received: half }],
      ['10.0.0.1', { sent: half, received: half }],
    ]);
  });

  it('does not put two together that nobody can dial', () => {
    const { members, ...view } = viewOf(2, 2);
    const hidden = members.map((member) => ({ ...member, isReachable: false as const }));
    const links = trafficOfLinks({ ...view, members: hidden }, shape);
    expect([...links.values()]).toEqual(trafficOf(viewOf(2, 2), shape));
  });
});

describe('lowestMs', () => {
  const network = { bitsPerSecond: 1e9, oneWayMs: 10 };

  it('is two ways for a vector that takes no time', () => {
    const traffic = trafficOf(viewOf(2, 2), { dtype: 'fp32', length: 64, numExact: 0 });
    expect(lowestMs(traffic, network)).toBeCloseTo(20, 2);
  });

  it('is the bytes and one way where they take long, and nothing for one member', () => {
    const shape = { dtype: 'fp32', length: 25_000_000, numExact: 0 } as const;
    expect(lowestMs(trafficOf(viewOf(2, 2), shape), network)).toBeCloseTo(810, 0);
    expect(lowestMs(trafficOf(viewOf(1, 2), shape), network)).toBe(0);
  });
});
