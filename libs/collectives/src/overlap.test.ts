import { setImmediate as nextTurn } from 'node:timers/promises';
import { markReady, newReadyMark, nothingReady, type ReadyMark } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { vectorDigest } from './reduce/digest.ts';
import { chunkBytes } from './reduce/plan.ts';
import type { ReduceResult, ViewSession } from './view-session.ts';
import {
  contributionsOf,
  expectedSum,
  joinAll,
  randomRanks,
  startNodes,
} from './testing/local-mesh.ts';

const chunkElements = chunkBytes / Float32Array.BYTES_PER_ELEMENT;
/** More chunks a member than the window holds. */
const vectorLength = 11 * chunkElements + 5;
const ranks = randomRanks(4, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));

interface Computing {
  readonly session: ViewSession;
  readonly mark: ReadyMark;
  readonly sum: Promise<ReduceResult>;
  /** Puts the elements from this one on where they belong. */
  computeFrom(firstElement: number): void;
}

/** All-reduces that have begun before any member has computed anything. */
async function startComputing(
  numMembers: number,
  timeoutMs: number,
  isLastOld = false,
): Promise<Computing[]> {
  const mesh = await startNodes(numMembers, 4, [], undefined, isLastOld);
  onTestFinished(() => mesh.close());
  const sessions = await joinAll(mesh, { vectorLength });
  return sessions.map((session, member) => {
    const mark = newReadyMark();
    const parts = contributionsOf(ranks, session.view.members[member]!.blocks);
    for (const [index, { data }] of parts.slice(0, -1).entries()) session.vectors[index]!.set(data);
    const [target, { data: last }] = [session.vectors.at(-1)!, parts.at(-1)!];
    target.fill(Number.NaN);
    let end = vectorLength;
    const sum = session.allReduce({ step: 0, ready: mark, timeoutMs });
    sum.catch(() => undefined);
    const computeFrom = (firstElement: number): void => {
      target.set(last.subarray(firstElement, end), firstElement);
      end = firstElement;
      markReady(mark, firstElement);
    };
    return { session, mark, sum, computeFrom };
  });
}

it.each([
  [2, 'all of this release', false],
  [3, 'all of this release', false],
  [2, 'one of an older', true],
] as const)(
  'sums over %i members, %s, what each has computed so far, to the same bits, in whatever order they come to it',
  async (numMembers, _, isLastOld) => {
    const members = await startComputing(numMembers, 60_000, isLastOld);
    const stops = [nothingReady, 9 * chunkElements, 8 * chunkElements - 3, 20, 0];
    for (const [turn, stop] of stops.entries())
      for (const member of turn % 2 === 0 ? members : members.toReversed()) {
        if (stop === nothingReady) markReady(member.mark, nothingReady);
        else member.computeFrom(stop);
        await nextTurn();
      }
    const results = await Promise.all(members.map(({ sum }) => sum));
    expect(results.map((result) => result.digest)).toEqual(members.map(() => digest));
    expect(results.map(({ reduced }) => vectorDigest(reduced))).toEqual(members.map(() => digest));
  },
);

/** All members compute the end of their parts, and wait until its sum is there. */
async function sumEnd(members: readonly Computing[]): Promise<void> {
  const end = vectorLength - 1;
  for (const member of members) member.computeFrom(9 * chunkElements);
  const [expected] = expectedSum(ranks.map((rank) => rank.subarray(end)));
  for (const { session } of members)
    await expect.poll(() => session.vectors[0]![end], { timeout: 20_000 }).toBe(expected);
}

it('gives the end of the sum to members that still compute the beginning', async () => {
  const members = await startComputing(2, 60_000);
  await sumEnd(members);
  for (const member of members) member.computeFrom(0);
  const results = await Promise.all(members.map(({ sum }) => sum));
  expect(results.map((result) => result.digest)).toEqual([digest, digest]);
});

it('counts no time against the others while its member computes', async () => {
  const [first, second] = (await startComputing(2, 1)) as [Computing, Computing];
  await sumEnd([first, second]);
  second.computeFrom(0);
  await expect(second.sum).rejects.toMatchObject({
    code: 'COLLECTIVE_TIMEOUT',
    message: /waits for m0 in reduce-scatter/,
  });
  await expect(first.sum).rejects.toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
});

it('ends with the session while a member still computes', async () => {
  const [first, second] = (await startComputing(2, 60_000)) as [Computing, Computing];
  second.computeFrom(9 * chunkElements);
  first.session.close();
  await expect(first.sum).rejects.toMatchObject({ code: 'COLLECTIVE_ABORTED' });
  await expect(second.sum).rejects.toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
});
