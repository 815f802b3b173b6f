import { setTimeout as delay } from 'node:timers/promises';
import type { GradientVector } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { vectorDigest } from './digest.ts';
import type { ViewSession } from './session.ts';
import {
  bitsOf,
  contributionsOf,
  expectedSum,
  joinAll,
  randomRanks,
  reduceRanks,
  startNodes,
} from './testing/local-mesh.ts';

async function withSessions<T>(
  numMembers: number,
  numVirtualRanks: number,
  vectorLength: number,
  work: (sessions: ViewSession[]) => Promise<T>,
): Promise<T> {
  const mesh = await startNodes(numMembers, numVirtualRanks);
  try {
    return await work(await joinAll(mesh, { vectorLength }));
  } finally {
    await mesh.close();
  }
}

interface Outcome {
  readonly sameBits: boolean;
  readonly digest: string;
}

/** One step of all members, each result compared with the reference sum. */
async function reduceAll(
  sessions: readonly ViewSession[],
  ranks: readonly Float32Array[],
  step = 0,
): Promise<Outcome[]> {
  const results = await Promise.all(
    sessions.map((session, member) => reduceRanks(session, member, ranks, step)),
  );
  const expected = bytesOf(expectedSum(ranks));
  return results.map(({ reduced, digest }) => ({
    sameBits: Buffer.compare(bytesOf(reduced), expected) === 0,
    digest,
  }));
}

/** What `reduceAll` gives when nothing is wrong. */
function agreement(numMembers: number, ranks: readonly Float32Array[]): Outcome[] {
  const digest = vectorDigest(expectedSum(ranks));
  return Array.from({ length: numMembers }, () => ({ sameBits: true, digest }));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: GradientVector): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

describe('allReduce', () => {
  for (const numVirtualRanks of [8, 16]) {
    it.each([1, 2, 3, 4, 5, 7, 8])(
      `gives %i members the bits of the tree over ${numVirtualRanks} ranks`,
      async (numMembers) => {
        const ranks = randomRanks(numVirtualRanks, 10_007, numMembers);
        const outcomes = await withSessions(numMembers, numVirtualRanks, 10_007, (sessions) =>
          reduceAll(sessions, ranks),
        );
        expect(outcomes).toEqual(agreement(numMembers, ranks));
      },
    );
  }

  it.each([1, 2, 15, 16, 17, 63, 1000, 131_072, 131_073, 262_145])(
    'sums vectors of %i elements over three members',
    async (length) => {
      const ranks = randomRanks(4, length, length);
      const outcomes = await withSessions(3, 4, length, (sessions) => reduceAll(sessions, ranks));
      expect(outcomes).toEqual(agreement(3, ranks));
    },
  );

  it.each([1, 3])('sums more chunks than the window holds over %i members', async (numMembers) => {
    const length = 2_200_001;
    const ranks = randomRanks(4, length, 1);
    const outcomes = await withSessions(numMembers, 4, length, (sessions) =>
      reduceAll(sessions, ranks),
    );
    expect(outcomes).toEqual(agreement(numMembers, ranks));
  });

  it('includes members that have no block', async () => {
    const ranks = randomRanks(2, 5000, 3);
    const outcomes = await withSessions(4, 2, 5000, (sessions) => reduceAll(sessions, ranks));
    expect(outcomes).toEqual(agreement(4, ranks));
  });

  it('passes infinities and NaNs on', async () => {
    const ranks = randomRanks(2, 64, 4);
    ranks[0]!.set([Infinity, NaN, Infinity]);
    ranks[1]!.set([1, 1, -Infinity]);
    await withSessions(2, 2, 64, async ([first, second]) => {
      const [result] = await Promise.all([
        reduceRanks(first!, 0, ranks),
        reduceRanks(second!, 1, ranks),
      ]);
      expect([...result.reduced.subarray(0, 3)]).toEqual([Infinity, NaN, NaN]);
    });
  });

  it('keeps its bits over 200 steps in a row', async () => {
    const ranksOf = (step: number): Float32Array[] => randomRanks(4, 301, step);
    await withSessions(3, 4, 301, async (sessions) => {
      for (let step = 0; step < 200; step += 1) {
        const ranks = ranksOf(step);
        expect(await reduceAll(sessions, ranks, step)).toEqual(agreement(3, ranks));
      }
    });
  });

  it('lets members run ahead of one another by a step, in any order', async () => {
    const length = 400_003;
    const steps = Array.from({ length: 6 }, (_, step) => randomRanks(4, length, step));
    await withSessions(3, 4, length, async (sessions) => {
      const digests = await Promise.all(
        sessions.map(async (session, member) => {
          const seen: string[] = [];
          for (const [step, ranks] of steps.entries()) {
            await delay(((step + member) % 3) * 20);
            const { digest } = await reduceRanks(session, member, ranks, step);
            seen.push(digest);
          }
          return seen;
        }),
      );
      const expected = steps.map((ranks) => vectorDigest(expectedSum(ranks)));
      expect(digests).toEqual([expected, expected, expected]);
    });
  });

  it('leaves the result in place when the session closes and a new view is joined', async () => {
    const ranks = randomRanks(4, 5000, 5);
    const mesh = await startNodes(2, 4);
    const sessions = await joinAll(mesh, { vectorLength: 5000 });
    const [{ reduced }] = await Promise.all([
      reduceRanks(sessions[0]!, 0, ranks),
      reduceRanks(sessions[1]!, 1, ranks),
    ]);
    const next = { ...mesh.view, version: 2 };
    await joinAll({ ...mesh, view: next }, { vectorLength: 5000 });
    expect(bitsOf(reduced)).toEqual(bitsOf(expectedSum(ranks)));
    await mesh.close();
  });

  it('hands out shared memory, which another thread reads without a copy', async () => {
    await withSessions(1, 2, 10, async ([session]) => {
      const { reduced } = await reduceRanks(session!, 0, randomRanks(2, 10, 6));
      expect(reduced.buffer).toBeInstanceOf(SharedArrayBuffer);
    });
  });

  it('refuses contributions that are not the blocks of the view', async () => {
    const ranks = randomRanks(4, 100, 7);
    await withSessions(1, 4, 100, async ([session]) => {
      const whole = contributionsOf(ranks, [{ start: 0, length: 4 }]);
      const halves = contributionsOf(ranks, [
        { start: 0, length: 2 },
        { start: 2, length: 2 },
      ]);
      const short = [{ block: { start: 0, length: 4 }, data: new Float32Array(99) }];
      const reduce = (contributions: typeof whole): Promise<unknown> =>
        session!.allReduce({ step: 0, contributions, timeoutMs: 1000 });
      await expect(reduce(halves)).rejects.toThrow(/blocks \[0, 2\) \[2, 4\).*assigns \[0, 4\)/);
      await expect(reduce([])).rejects.toMatchObject({ code: 'COLLECTIVE_PROTOCOL' });
      await expect(reduce(short)).rejects.toThrow(/99 elements .* has 100/);
      await expect(reduce(whole)).resolves.toMatchObject({ reduced: expectedSum(ranks) });
    });
  });
});
