import { setImmediate as nextTurn } from 'node:timers/promises';
import { markReady, newReadyMark } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { frameHeaderBytes, type FrameType, frameTypeOf } from './connections/frame.ts';
import { vectorDigest } from './reduce/digest.ts';
import type { ReduceResult, ViewSession } from './view-session.ts';
import { byMemory } from './testing/fault-cases.ts';
import {
  contributionsOf,
  expectedSum,
  joinAll,
  randomRanks,
  reduceRanks,
  startNodes,
} from './testing/local-mesh.ts';

const vectorLength = 20_000;
const ranks = randomRanks(4, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));

interface Watched {
  readonly sessions: ViewSession[];
  readonly first: ViewSession;
  readonly last: ViewSession;
  /** Bytes that the last member has sent the first. */
  readonly numBytes: () => number;
  /** Does this when the last member's first frame of a type is on its way to the first. */
  readonly onFrame: (type: FrameType, act: () => void) => void;
  readonly freeze: () => void;
}

/** Two members; what the last sends the first is looked at. */
async function watch(sharesMemory?: (index: number) => boolean): Promise<Watched> {
  const mesh = await startNodes(2, 4, [], undefined, false, sharesMemory);
  onTestFinished(() => mesh.close());
  const [first, last] = mesh.view.members;
  const [proxy, behind] = await byMemory.startProxy(last!);
  onTestFinished(() => proxy.close());
  const view = { ...mesh.view, members: [first!, behind] };
  const sessions = await joinAll({ ...mesh, view }, { vectorLength });
  let numBytes = 0;
  const acts = new Map<FrameType, () => void>();
  proxy.damage((piece) => {
    numBytes += piece.length;
    for (let at = 0; at + frameHeaderBytes <= piece.length; at += frameHeaderBytes) {
      const type = frameTypeOf(piece.subarray(at));
      if (type === undefined) continue;
      acts.get(type)?.();
      acts.delete(type);
    }
    return false;
  });
  return {
    sessions,
    first: sessions[0]!,
    last: sessions[1]!,
    numBytes: () => numBytes,
    onFrame: (type, act) => void acts.set(type, act),
    freeze: () => proxy.disturb('freeze'),
  };
}

function reduceAll(
  sessions: readonly ViewSession[],
  timeoutMs?: number,
): Promise<PromiseSettledResult<ReduceResult>[]> {
  return Promise.allSettled(
    sessions.map((session, member) => reduceRanks(session, member, ranks, 0, timeoutMs)),
  );
}

it.each([
  ['headers only, to one that may read its memory', () => true, 0],
  ['all bytes, if it does not share its memory', (index: number) => index === 0, 2],
])('sends %s, and gives the same bits', async (_, sharesMemory, numVectors) => {
  const { sessions, numBytes } = await watch(sharesMemory);
  const outcomes = await reduceAll(sessions);
  expect(outcomes).toMatchObject([{ value: { digest } }, { value: { digest } }]);
  // Of either member's half: one is contributed, of the other the sum is sent.
  expect(Math.floor(numBytes() / (2 * vectorLength))).toBe(numVectors);
});

it.each(['contribution', 'reduced'] as const)(
  'names who changes its memory once it has said of a %s what it is',
  async (type) => {
    const { sessions, last, onFrame } = await watch();
    onFrame(type, () => {
      const vector = last.vectors[0]!;
      vector[type === 'reduced' ? vectorLength - 1 : 0]! += 1;
    });
    const [outcome] = await reduceAll(sessions);
    expect(outcome).toMatchObject({
      reason: { code: 'COLLECTIVE_PROTOCOL', details: { memberId: 'm1' } },
    });
    expect(String((outcome as PromiseRejectedResult).reason)).toMatch(
      new RegExp(`bytes of a frame were damaged on the way \\(${type}, step 0`),
    );
  },
);

it.each(['contribution', 'reduced'] as const)(
  'says of one that gives up after a %s, and then writes to its memory, that it has left',
  async (type) => {
    const { sessions, last, onFrame } = await watch();
    const leave = (): void => {
      last.close();
      last.vectors[0]!.fill(1);
    };
    // The frame is read first.
    onFrame(type, () => queueMicrotask(leave));
    const [outcome] = await reduceAll(sessions);
    expect(outcome).toMatchObject({ reason: { code: 'COLLECTIVE_PEER_LOST' } });
    expect(String((outcome as PromiseRejectedResult).reason)).toMatch('m1: left the view');
  },
);

it('is done with its memory when the others have taken its sums, and not before', async () => {
  const { first, last, onFrame, freeze } = await watch();
  const mark = newReadyMark();
  const [own] = contributionsOf(ranks, first.view.members[0]!.blocks);
  first.vectors[0]!.set(own!.data);
  first.allReduce({ step: 0, ready: mark, timeoutMs: 60_000 }).catch(() => undefined);
  // Then the sum comes by itself.
  onFrame('contribution', () => setImmediate(() => markReady(mark, 0)));
  onFrame('reduced', freeze);
  await expect(reduceRanks(last, 1, ranks, 0, 2_000)).rejects.toMatchObject({
    code: 'COLLECTIVE_TIMEOUT',
    message: 'step 0 of view 1 still waits for m0 in sending after 2000 ms',
  });
});

it('expects nothing of members that have no slice of a short vector', async () => {
  const mesh = await startNodes(3, 4);
  onTestFinished(() => mesh.close());
  const sessions = await joinAll(mesh, { vectorLength: 3 });
  const own = randomRanks(4, 3, 1);
  const reduce = (member: number): Promise<ReduceResult> =>
    reduceRanks(sessions[member]!, member, own);
  const sums = [reduce(0)];
  // All that the first has to tell the others has come to them.
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  sums.push(reduce(1), reduce(2));
  const due = vectorDigest(expectedSum(own));
  expect((await Promise.all(sums)).map((sum) => sum.digest)).toEqual([due, due, due]);
});

it('shares what it has to take in for a larger vector too', async () => {
  const mesh = await startNodes(3, 4);
  onTestFinished(() => mesh.close());
  for (const [version, length] of [
    [1, 100],
    [2, 300_000],
    [3, 200],
  ] as const) {
    const view = { ...mesh.view, version };
    const sessions = await joinAll({ ...mesh, view }, { vectorLength: length });
    const own = randomRanks(4, length, version);
    const results = await Promise.all(
      sessions.map((session, member) => reduceRanks(session, member, own)),
    );
    const due = vectorDigest(expectedSum(own));
    expect(results.map((result) => result.digest)).toEqual([due, due, due]);
    expect(results.map(({ reduced }) => vectorDigest(reduced))).toEqual([due, due, due]);
  }
});
