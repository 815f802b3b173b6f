import { assignBlocks, newestFrameFormat, type Endpoint } from '@berth/collectives';
import type { View } from '@berth/contracts';

/** The view of members that have told where they listen. @param greetings - of the members, in their order */
export function benchView(
  memberIds: readonly string[],
  numVirtualRanks: number,
  greetings: readonly Readonly<Record<string, unknown>>[],
): View {
  const blocks = assignBlocks(numVirtualRanks, memberIds);
  return {
    runId: 'bench',
    fencingEpoch: 1,
    version: 1,
    fromStep: 0,
    mode: 'train',
    reason: 'benchmark',
    members: memberIds.map((memberId, index) => ({
      memberId,
      ...(greetings[index]?.['endpoint'] as Endpoint),
      frames: newestFrameFormat,
      blocks: blocks[index] ?? [],
    })),
  };
}
