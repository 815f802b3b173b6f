import { once } from 'node:events';
import { startTcpProxy } from '@berth/faults';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { encodeControl } from './connections/control.ts';
import { vectorDigest } from './reduce/digest.ts';
import { encodeFrame, runHashOf } from './connections/frame.ts';
import { newestFrameFormat } from './connections/frame-format.ts';
import { listenerBytes } from './handshake/messages.ts';
import {
  callProven,
  expectedSum,
  joinAll,
  randomRanks,
  reduceRanks,
  runId,
  startNodes,
} from './testing/local-mesh.ts';

const vectorLength = 500;
const ranks = randomRanks(4, vectorLength, 3);
const digest = vectorDigest(expectedSum(ranks));
const current = { fencingEpoch: 4, version: 7 };
const step = 20;

/** Before the view, the step or the coordinator of now, or of any two or all of them. */
const older = fc
  .record({
    fencingEpoch: fc.integer({ min: 1, max: current.fencingEpoch }),
    viewVersion: fc.integer({ min: 1, max: current.version }),
    step: fc.integer({ min: 0, max: step }),
  })
  .filter(
    (age) =>
      age.fencingEpoch < current.fencingEpoch ||
      age.viewVersion < current.version ||
      age.step < step,
  );

it('drops 1,000 frames of older steps, views and epochs', async () => {
  const frames = fc.sample(
    fc.record({
      age: older,
      type: fc.constantFrom('contribution' as const, 'reduced' as const),
      length: fc.integer({ min: 1, max: vectorLength }),
    }),
    { numRuns: 1_000, seed: 1 },
  );
  const inject = Buffer.concat(
    frames.map(({ age, type, length }) => {
      const header = {
        ...age,
        format: newestFrameFormat,
        type,
        dtype: 'fp32' as const,
        length,
        runHash: runHashOf(runId),
        sender: 1,
        slice: 0,
        block: { start: 2, length: 2 },
        vectorLength,
        offset: 0,
      };
      return Buffer.concat([encodeFrame(header, [0, 0]), Buffer.alloc(4 * length, 0x55)]);
    }),
  );
  const mesh = await startNodes(2, 4);
  onTestFinished(() => mesh.close());
  const [first, last] = mesh.view.members;
  const proxy = await startTcpProxy(last!, { spareBytes: listenerBytes, inject });
  onTestFinished(() => proxy.close());
  const members = [first!, { ...last!, ...proxy.endpoint }];
  const sessions = await joinAll(
    { ...mesh, view: { ...mesh.view, ...current, members } },
    { vectorLength },
  );
  const outcomes = await Promise.all(
    sessions.map((session, member) => reduceRanks(session, member, ranks, step)),
  );
  expect(outcomes.map((outcome) => outcome.digest)).toEqual([digest, digest]);
});

it('hangs up on 200 calls for older views, and goes on', async () => {
  const mesh = await startNodes(2, 4);
  onTestFinished(() => mesh.close());
  const view = { ...mesh.view, ...current };
  const sessions = await joinAll({ ...mesh, view }, { vectorLength });
  const [m0] = view.members;
  const calls = fc.sample(
    older.filter(
      (age) =>
        age.fencingEpoch < current.fencingEpoch ||
        (age.fencingEpoch === current.fencingEpoch && age.viewVersion < current.version),
    ),
    { numRuns: 200, seed: 2 },
  );
  for (const { fencingEpoch, viewVersion } of calls) {
    const { socket } = await callProven(m0!, { from: 'm1' });
    const ended = once(socket, 'close');
    const identity = { runId, fencingEpoch, viewVersion, from: 'm1', to: 'm0' };
    socket.write(encodeControl({ kind: 'join', ...identity }));
    await ended;
  }
  const outcomes = await Promise.all(
    sessions.map((session, member) => reduceRanks(session, member, ranks, step)),
  );
  expect(outcomes.map((outcome) => outcome.digest)).toEqual([digest, digest]);
});
