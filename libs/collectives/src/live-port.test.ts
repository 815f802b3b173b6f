import { once } from 'node:events';
import type { Socket } from 'node:net';
import { isBerthError } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { controlPrefixBytes, encodeControl } from './connections/control.ts';
import { vectorDigest } from './reduce/digest.ts';
import {
  callProven,
  expectedSum,
  joinAll,
  randomNumbers,
  randomRanks,
  reduceRanks,
  startNodes,
} from './testing/local-mesh.ts';

const vectorLength = 1_000;
const numCallers = 300;
const atOnce = 20;
const ranks = randomRanks(4, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));

/** A message of a member with some of its bytes changed, cut off or followed by others; or a part of it, after which nothing comes. */
function mangled(random: () => number, sound: Buffer): { bytes: Buffer; isHalf: boolean } {
  const at = Math.floor(random() * sound.length);
  const kind = Math.floor(random() * 5);
  const bytes = Buffer.from(sound);
  if (kind === 0) return { bytes: sound.subarray(0, at), isHalf: true };
  if (kind === 1) return { bytes: Buffer.from(bytes.fill(random() * 256, at)), isHalf: false };
  if (kind === 2) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), controlPrefixBytes / 2);
  else if (kind === 3) bytes[at]! ^= 1 << Math.floor(random() * 8);
  else return { bytes: Buffer.concat([sound, sound.subarray(at), bytes]), isHalf: false };
  return { bytes, isHalf: false };
}

/** Calls again as a member does, whom a machine without time to spare keeps from proving the secret in time. */
async function untilProven<T>(call: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await call();
    } catch (error) {
      if (!isBerthError(error) || !error.policy.retry) throw error;
    }
}

/** Ends the callers that say nothing more, and waits for those that a member has to end. */
async function ends(socket: Socket, isHalf: boolean): Promise<void> {
  if (isHalf) socket.destroy();
  if (socket.destroyed) return;
  // What happens to be sound is answered by what a member of the view hears: it is no fault to be left open.
  await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 200))]);
  socket.destroy();
}

it(`${numCallers} callers who prove the secret and then talk nonsense change neither sums nor joining`, async () => {
  const mesh = await startNodes(3, 4);
  onTestFinished(() => mesh.close());
  const random = randomNumbers(20261129);
  const sessions = await joinAll(mesh, { vectorLength });
  const [m0] = mesh.view.members;
  const { runId, fencingEpoch, version: viewVersion } = mesh.view;
  const label = { runId, fencingEpoch, viewVersion, step: 0 };
  const messages = (from: string) =>
    [
      { kind: 'join', runId, fencingEpoch, viewVersion, from, to: 'm0' },
      { kind: 'state', ...label },
      { kind: 'slice', ...label, index: 3 },
      { kind: 'offer', ...label, partLengths: [1, 2 ** 40] },
      { kind: 'piece', ...label, index: 0, digest: 'x' },
      { kind: 'leave', reason: 'r' },
      { kind: 'alive' },
    ] as const;
  const call = async (index: number): Promise<void> => {
    const from = `stranger-${index}`;
    const all = messages(from);
    const message = all[Math.floor(random() * all.length)]!;
    const { bytes, isHalf } = mangled(random, encodeControl(message));
    const purpose = random() < 0.5 ? 'join' : 'state';
    const { socket } = await untilProven(() => callProven(m0!, { from, purpose }));
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await ends(socket, isHalf);
  };
  const reduce = async (step: number): Promise<void> => {
    const results = await Promise.all(
      sessions.map((session, member) => reduceRanks(session, member, ranks, step, 300_000)),
    );
    expect(results.map((result) => result.digest)).toEqual([digest, digest, digest]);
  };
  for (let at = 0; at < numCallers; at += atOnce) {
    const callers = Array.from({ length: atOnce }, (_, index) => call(at + index));
    await Promise.all([...callers, reduce(at / atOnce)]);
  }
  const again = await joinAll(
    { ...mesh, view: { ...mesh.view, version: viewVersion + 1 } },
    { vectorLength },
  );
  const [result] = await Promise.all(
    again.map((session, member) => reduceRanks(session, member, ranks)),
  );
  expect(result?.digest).toBe(digest);
});
