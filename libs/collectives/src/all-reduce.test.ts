import { setTimeout as delay } from 'node:timers/promises';
import { bf16PaddedLength, type GradientVector, packGradient, roundToBf16 } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { sumContributions } from './reduce/blocks.ts';
import { vectorDigest } from './reduce/digest.ts';
import type { ViewSession } from './view-session.ts';
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
  sharesMemory?: (member: number) => boolean,
): Promise<T> {
  const mesh = await startNodes(numMembers, numVirtualRanks, [], undefined, false, sharesMemory);
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

  it.each([
    ['none shares its memory', () => false],
    ['every second shares its memory', (member: number) => member % 2 === 0],
  ])('gives eight members, of whom %s, the same bits', async (_, sharesMemory) => {
    const ranks = randomRanks(16, 50_007, 8);
    const outcomes = await withSessions(
      8,
      16,
      50_007,
      (sessions) => reduceAll(sessions, ranks),
      sharesMemory,
    );
    expect(outcomes).toEqual(agreement(8, ranks));
  });

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

describe('allReduce in bf16', () => {
  const numSums = 7;
  const shape = { dtype: 'bf16', numExact: numSums } as const;

  /** What virtual ranks contribute: leaves rounded, blocks summed as the definition says. */
  const packedSum = (ranks: readonly Float32Array[], start: number, length: number) =>
    packGradient(
      sumContributions(
        ranks
          .slice(start, start + length)
          .map((data, index) => ({ block: { start: index, length: 1 }, data })),
        shape,
      ),
      ranks[0]!.length - numSums,
      'bf16',
    );

  async function reduceAllPacked(
    numMembers: number,
    numRanks: number,
    ranks: readonly Float32Array[],
  ): Promise<{ bytes: Buffer; digest: string }[]> {
    const mesh = await startNodes(numMembers, numRanks);
    try {
      const sessions = await joinAll(mesh, { vectorLength: ranks[0]!.length, ...shape });
      const results = await Promise.all(
        sessions.map((session, member) => {
          const contributions = session.view.members[member]!.blocks.map((block) => ({
            block,
            data: packedSum(ranks, block.start, block.length),
          }));
          return session.allReduce({ step: 0, contributions, timeoutMs: 300_000 });
        }),
      );
      return results.map(({ reduced, digest }) => ({
        bytes: Buffer.from(bytesOf(reduced)),
        digest,
      }));
    } finally {
      await mesh.close();
    }
  }

  it.each([1, 2, 3, 4, 7, 8])('gives %i members the bits of the definition', async (numMembers) => {
    const ranks = randomRanks(8, 10_007, 90);
    const expected = packedSum(ranks, 0, 8);
    const results = await reduceAllPacked(numMembers, 8, ranks);
    expect(results).toHaveLength(numMembers);
    for (const { bytes, digest } of results) {
      expect(Buffer.compare(bytes, bytesOf(expected))).toBe(0);
      expect(digest).toBe(vectorDigest(expected));
    }
  });

  it.each([numSums + 1, numSums + 32, 1_100_003])(
    'sums vectors of %i elements over three members',
    async (length) => {
      const ranks = randomRanks(4, length, length);
      const expected = packedSum(ranks, 0, 4);
      for (const { bytes } of await reduceAllPacked(3, 4, ranks))
        expect(Buffer.compare(bytes, bytesOf(expected))).toBe(0);
    },
  );

  it('keeps the step sums in fp32', async () => {
    const length = 100 + numSums;
    const ranks = Array.from({ length: 2 }, () => new Float32Array(length).fill(100_001));
    const { bytes } = (await reduceAllPacked(2, 2, ranks))[0]!;
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    const sums = new Float32Array(halves.slice(bf16PaddedLength(100)).buffer);
    expect(sums).toEqual(new Float32Array(numSums).fill(200_002));
    expect(roundToBf16(200_002)).not.toBe(200_002);
  });
});
