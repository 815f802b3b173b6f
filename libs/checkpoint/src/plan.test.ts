import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignShards, planShards } from './plan.ts';
import { layoutOf } from './testing/fixtures.ts';

const layouts = fc
  .array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 })
  .map((sizes) => layoutOf(sizes.map((size, index) => [`p${index}`, [size]])));

describe('planShards', () => {
  it('puts every parameter once into the weights and once into the moments, in layout order', () => {
    fc.assert(
      fc.property(layouts, fc.integer({ min: 1, max: 400 }), (layout, shardBytes) => {
        const shards = planShards(layout, shardBytes);
        for (const kind of ['weights', 'moments'] as const) {
          const ofKind = shards.filter((shard) => shard.kind === kind);
          expect(ofKind.flatMap(({ parameters }) => parameters)).toEqual(layout);
          expect(ofKind.map(({ index }) => index)).toEqual([...ofKind.keys()]);
        }
      }),
    );
  });

  it('keeps to the limit but for single tensors that exceed it, and never leaves room for the next', () => {
    fc.assert(
      fc.property(layouts, fc.integer({ min: 1, max: 400 }), (layout, shardBytes) => {
        const shards = planShards(layout, shardBytes);
        for (const [position, { kind, parameters, sizeBytes }] of shards.entries()) {
          const bytesPerElement = kind === 'weights' ? 4 : 8;
          const sum = parameters.reduce((total, { size }) => total + size * bytesPerElement, 0);
          expect(sizeBytes).toBe(sum);
          expect(sizeBytes <= shardBytes || parameters.length === 1).toBe(true);
          const next = shards[position + 1];
          const firstOfNext = next?.kind === kind ? (next.parameters[0]?.size ?? 0) : Infinity;
          expect(sizeBytes + firstOfNext * bytesPerElement).toBeGreaterThan(shardBytes);
        }
      }),
    );
  });
});

describe('assignShards', () => {
  it('gives every shard to exactly one member, evenly', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 9 }), (numShards, numMembers) => {
        const shares = Array.from({ length: numMembers }, (_, member) =>
          assignShards(numShards, member, numMembers),
        );
        expect(shares.flat().sort((a, b) => a - b)).toEqual([...Array(numShards).keys()]);
        const counts = shares.map(({ length }) => length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
