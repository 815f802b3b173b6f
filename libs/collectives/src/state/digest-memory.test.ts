import { addToDigest } from '@berth/contracts';
import { expect, it } from 'vitest';
import { DigestMemory } from './digest-memory.ts';

it.each([
  [0, 1],
  [1, 2],
  [3, 70],
  [0, 50_000],
  [17, 49_999],
])('digests elements %i to %i of a piece as JavaScript does', (from, to) => {
  const memory = new DigestMemory(50_000);
  const values = Float32Array.from({ length: 50_000 }, (_, index) => Math.sin(index) * index);
  memory.words.set(values);
  const [expected, sums] = [Uint32Array.of(7, 9), Uint32Array.of(7, 9)];
  const firstIndex = 3_000_000_000;
  addToDigest(expected, values.subarray(from, to), firstIndex);
  memory.addTo(sums, from, to, firstIndex);
  expect(sums).toEqual(expected);
});
