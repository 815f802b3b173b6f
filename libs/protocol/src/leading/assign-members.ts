import { assignBlocks } from '@berth/collectives';
import type { ViewMember } from '@berth/contracts';
import type { LiveMember } from '../run/membership-state.ts';

/** Members with the virtual ranks that each computes. */
export function assignMembers(members: readonly LiveMember[], virtualRanks: number): ViewMember[] {
  if (members.length === 0) return [];
  const ids = members.map(({ memberId }) => memberId);
  const blocks = assignBlocks(virtualRanks, ids);
  return members.map(({ memberId, host, port, isReachable, engine, frames }, index) => ({
    memberId,
    host,
    port,
    ...(isReachable === false && { isReachable }),
    ...(engine !== undefined && { engine }),
    ...(frames !== undefined && { frames }),
    blocks: blocks[index] ?? [],
  }));
}

/** Whether two of them have no way to each other. */
export function needsRelay(members: readonly ViewMember[]): boolean {
  return members.filter(({ isReachable }) => isReachable === false).length > 1;
}
