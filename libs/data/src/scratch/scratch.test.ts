import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/example-fixture.ts';
import { createScratch } from './scratch.ts';
import type { NumberArray } from './stretches.ts';

const folder = temporaryFolder();
const quiet = { onTrouble: (error: unknown) => expect.unreachable(String(error)) };

it('has any stretch of any numbers as it was', async () => {
  const keep = createScratch({ folder, thresholdBytes: 0, ...quiet });
  const arrays: fc.Arbitrary<NumberArray> = fc.oneof(
    fc.uint16Array({ minLength: 1, maxLength: 50 }),
    fc.uint32Array({ minLength: 1, maxLength: 50 }),
    fc.float32Array({ minLength: 1, maxLength: 50 }),
  );
  await fc.assert(
    fc.asyncProperty(arrays, fc.nat(60), fc.nat(60), async (numbers, one, other) => {
      const kept = await keep<NumberArray>(numbers.subarray(1));
      expect(kept).not.toBeInstanceOf(Object.getPrototypeOf(Uint16Array));
      expect(kept.length).toBe(numbers.length - 1);
      const [start, end] = [one, other].map((at) => at % numbers.length).toSorted((a, b) => a - b);
      expect(kept.subarray(start, end)).toEqual(numbers.subarray(1 + start!, 1 + end!));
    }),
    { numRuns: 50 },
  );
});

it('leaves no file behind, and closes those that nobody reads any more', async () => {
  const keep = createScratch({ folder, thresholdBytes: 0, ...quiet });
  const numOpen = (): number =>
    readdirSync('/proc/self/fd').filter((name) => {
      try {
        return readlinkSync(join('/proc/self/fd', name)).startsWith(join(folder, 'berth-'));
      } catch {
        return false;
      }
    }).length;
  for (let n = 0; n < 5; n++) await keep(Uint16Array.of(n));
  const last = await keep(Uint16Array.of(1, 2, 3));
  expect(numOpen()).toBeGreaterThanOrEqual(6);
  expect(readdirSync(folder)).toEqual([]);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await expect
    .poll(async () => {
      // In one turn what it has awaited is still held.
      collect();
      return numOpen();
    })
    .toBe(1);
  expect(last.subarray(1, 3)).toEqual(Uint16Array.of(2, 3));
});

it('keeps few numbers in memory, and those that have no room elsewhere, saying so', async () => {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown): number => troubles.push(error);
  const few = Uint16Array.of(1, 2, 3);
  expect(await createScratch({ folder, thresholdBytes: 7, onTrouble })(few)).toEqual(few);
  expect(troubles).toEqual([]);
  const nowhere = join(import.meta.filename, 'under-a-file');
  expect(await createScratch({ folder: nowhere, thresholdBytes: 6, onTrouble })(few)).toBe(few);
  expect(troubles).toMatchObject([{ code: 'ENOTDIR' }]);
});
