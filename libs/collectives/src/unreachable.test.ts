import { expect, it, onTestFinished } from 'vitest';
import { vectorDigest } from './reduce/digest.ts';
import { StateMemory } from './state/memory.ts';
import {
  expectedSum,
  joinAll,
  randomRanks,
  reduceRanks,
  startNodes,
} from './testing/local-mesh.ts';

const vectorLength = 200_000;
const ranks = randomRanks(8, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));

it.each([['m0'], ['m1'], ['m2']])(
  'sums the same where nobody can dial %s, view after view',
  async (unreachable) => {
    const mesh = await startNodes(3, 8, [unreachable]);
    onTestFinished(() => mesh.close());
    for (let version = 1; version <= 4; version += 1) {
      const sessions = await joinAll(
        { ...mesh, view: { ...mesh.view, version } },
        { vectorLength },
      );
      for (const step of [0, 1]) {
        const results = await Promise.all(
          sessions.map((session, member) => reduceRanks(session, member, ranks, step)),
        );
        expect(results.map((result) => result.digest)).toEqual([digest, digest, digest]);
      }
    }
  },
);

it('copies a state from a donor that nobody can dial', async () => {
  const mesh = await startNodes(2, 8, ['m0']);
  onTestFinished(() => mesh.close());
  await joinAll(mesh, { vectorLength });
  const { runId, fencingEpoch, version: viewVersion, members } = mesh.view;
  const label = { runId, fencingEpoch, viewVersion, step: 3 };
  const [given, copy] = [new StateMemory([vectorLength]), new StateMemory([vectorLength])];
  given.parts[0]!.set(ranks[0]!);
  mesh.nodes[0]!.offerState({ label, memory: given });
  const transfer = await mesh.nodes[1]!.fetchState([members[0]!], {
    label,
    memory: copy,
    timeoutMs: 60_000,
  });
  expect(transfer.numBytes).toBe(4 * vectorLength);
  expect(vectorDigest(copy.parts[0]!)).toBe(vectorDigest(ranks[0]!));
});

it('is lost to the others as soon as its process is', async () => {
  const mesh = await startNodes(3, 8, ['m1']);
  onTestFinished(() => mesh.close());
  const sessions = await joinAll(mesh, { vectorLength });
  const others = Promise.allSettled(
    [0, 2].map((member) => reduceRanks(sessions[member]!, member, ranks)),
  );
  await mesh.nodes[1]!.close();
  const lost = { status: 'rejected', reason: { code: 'COLLECTIVE_PEER_LOST' } };
  expect(await others).toMatchObject([lost, lost]);
});
