import type { View } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { newestFrameFormat } from '../connections/frame-format.ts';
import { assignBlocks } from './blocks.ts';
import { chunkBytes, planReduce } from './plan.ts';

function viewOf(numMembers: number, isOld: boolean): View {
  const memberIds = Array.from({ length: numMembers }, (_, index) => `m${index}`);
  const blocks = assignBlocks(64, memberIds);
  const members = memberIds.map((memberId, index) => ({
    memberId,
    host: '10.0.0.1',
    port: 1,
    ...(isOld ? {} : { frames: newestFrameFormat }),
    blocks: blocks[index]!,
  }));
  const facts = { mode: 'train', reason: 'test', runId: 'test' } as const;
  return { ...facts, fencingEpoch: 1, version: 1, fromStep: 0, members };
}

it.each([
  ['fp32', 16],
  ['bf16', 32],
] as const)(
  'gives each member as much of a vector of %s, all of its end before what lies below, in units of %i elements',
  (dtype, unitElements) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e7 }),
        fc.integer({ min: 1, max: 64 }),
        fc.boolean(),
        (length, numMembers, isOld) => {
          const { chunks } = planReduce(viewOf(numMembers, isOld), { dtype, length, numExact: 0 });
          const inOrder = chunks.flat().toSorted((a, b) => a.start - b.start);
          let next = 0;
          for (const { start, length: own, byteLength } of inOrder) {
            expect(start).toBe(next);
            expect(start % unitElements).toBe(0);
            expect(byteLength).toBeLessThanOrEqual(chunkBytes);
            next += own;
          }
          expect(next - length).toBeGreaterThanOrEqual(0);
          expect(next - length).toBeLessThan(unitElements);
          const sizes = chunks.map((own) => own.reduce((sum, chunk) => sum + chunk.length, 0));
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(2 * unitElements);
          if (isOld) return;
          const numStripes = Math.max(...chunks.map((own) => own.length));
          for (let stripe = 1; stripe < numStripes; stripe++) {
            const above = chunks.map((own) => own[stripe - 1]?.start ?? Infinity);
            const below = chunks.map((own) => own[stripe]?.start ?? -1);
            expect(Math.max(...below)).toBeLessThan(Math.min(...above));
          }
        },
      ),
      { numRuns: 50 },
    );
  },
);
