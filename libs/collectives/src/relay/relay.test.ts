import { silentLogger, type RelayAddress } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { vectorDigest } from '../reduce/digest.ts';
import { StateMemory } from '../state/memory.ts';
import {
  callProven,
  expectedSum,
  joinAll,
  type LocalMesh,
  randomRanks,
  reduceRanks,
  secret,
  startNodes,
} from '../testing/local-mesh.ts';
import { createRelay, type Relay } from './relay.ts';

const vectorLength = 200_000;
const ranks = randomRanks(8, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));

async function startRelay(
  options: { readonly relayId?: string; readonly secret?: string } = {},
): Promise<{ relay: Relay; address: RelayAddress }> {
  const { relayId = 'relay-1' } = options;
  const relay = createRelay({
    host: '127.0.0.1',
    secret,
    logger: silentLogger,
    ...options,
    relayId,
  });
  onTestFinished(() => relay.close());
  return { relay, address: { memberId: relayId, ...(await relay.listen()) } };
}

async function startMesh(...options: Parameters<typeof startNodes>): Promise<LocalMesh> {
  const mesh = await startNodes(...options);
  onTestFinished(() => mesh.close());
  return mesh;
}

/** All sum two steps of a view. */
async function sum({ view, ...mesh }: LocalMesh, version: number): Promise<string[]> {
  const sessions = await joinAll({ ...mesh, view: { ...view, version } }, { vectorLength });
  const digests: string[] = [];
  for (const step of [0, 1]) {
    const results = sessions.map((session, member) => reduceRanks(session, member, ranks, step));
    digests.push(...(await Promise.all(results)).map((result) => result.digest));
  }
  return digests;
}

it.each([
  { hidden: [], numPairs: 0 },
  { hidden: ['m1'], numPairs: 0 },
  { hidden: ['m0', 'm2'], numPairs: 1 },
  { hidden: ['m0', 'm1', 'm2'], numPairs: 3 },
])('sums the same where nobody can dial $hidden, view after view', async ({ hidden, numPairs }) => {
  const { relay, address } = await startRelay();
  const mesh = await startMesh(3, 8, hidden, address);
  for (const version of [1, 2, 3]) {
    const digests = await sum(mesh, version);
    expect(new Set(digests)).toEqual(new Set([digest]));
    // One in each direction.
    await expect.poll(() => relay.traffic.numJoined, { timeout: 60_000 }).toBe(2 * numPairs);
  }
  const { numBytes } = relay.traffic;
  expect(numBytes).toBeGreaterThanOrEqual(numPairs * 3 * 2 * vectorLength);
  expect(numBytes > 0).toBe(numPairs > 0);
});

it('lets one copy the state of another', async () => {
  const { address } = await startRelay();
  const mesh = await startMesh(2, 8, ['m0', 'm1'], address);
  await joinAll(mesh, { vectorLength });
  const { runId, fencingEpoch, version: viewVersion, members } = mesh.view;
  const label = { runId, fencingEpoch, viewVersion, step: 3 };
  const [given, copy] = [new StateMemory([vectorLength]), new StateMemory([vectorLength])];
  given.parts[0]!.set(ranks[0]!);
  mesh.nodes[0]!.offerState({ label, memory: given });
  await mesh.nodes[1]!.fetchState([members[0]!], { label, memory: copy, timeoutMs: 60_000 });
  expect(vectorDigest(copy.parts[0]!)).toBe(vectorDigest(ranks[0]!));
});

it('costs those that it joins their view when it is gone, and another one takes its place', async () => {
  const first = await startRelay();
  const mesh = await startMesh(3, 8, ['m0', 'm1'], first.address);
  const sessions = await joinAll(mesh, { vectorLength });
  const ended = Promise.allSettled(
    [0, 1].map((member) => reduceRanks(sessions[member]!, member, ranks)),
  );
  await first.relay.close();
  const lost = { status: 'rejected', reason: { code: 'COLLECTIVE_PEER_LOST' } };
  expect(await ended).toMatchObject([lost, lost]);
  await expect(
    joinAll({ ...mesh, view: { ...mesh.view, version: 2 } }, { vectorLength }),
  ).rejects.toThrow(/by way of the relay relay-1: .*ECONNREFUSED|left the view/);
  const second = await startRelay({ relayId: 'relay-2' });
  const view = { ...mesh.view, relay: second.address };
  expect(new Set(await sum({ ...mesh, view }, 3))).toEqual(new Set([digest]));
});

it('is told apart from a member when it has another secret', async () => {
  const { address } = await startRelay({ secret: 'another secret than the tests' });
  const mesh = await startMesh(2, 8, ['m0', 'm1'], address);
  await expect(joinAll(mesh, { vectorLength })).rejects.toMatchObject({
    code: 'COLLECTIVE_PEER_LOST',
    message: expect.stringMatching(/relay-1: it has another BERTH_SECRET/) as string,
  });
});

it('serves nobody who comes for something else', async () => {
  const { address } = await startRelay();
  for (const purpose of ['join', 'state'] as const)
    await expect(callProven(address, { from: 'm0', purpose })).rejects.toThrow(/another member/);
});
