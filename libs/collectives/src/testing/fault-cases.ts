import type { BerthError, ViewMember } from '@berth/contracts';
import { type LocalProxy, startLocalProxy, startTcpProxy, type TcpFaults } from '@berth/faults';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { vectorDigest } from '../reduce/digest.ts';
import {
  encodeFrame,
  frameHeaderBytes,
  type FrameHeader,
  frameMagic,
  runHashOf,
} from '../connections/frame.ts';
import { localPathOf } from '../connections/local-path.ts';
import { newestFrameFormat } from '../connections/frame-format.ts';
import { listenerBytes } from '../handshake/messages.ts';
import { chunkBytes } from '../reduce/plan.ts';
import type { ReduceResult, ViewSession } from '../view-session.ts';
import {
  expectedSum,
  joinAll,
  type LocalMesh,
  randomRanks,
  reduceRanks,
  runId,
  startNodes,
} from './local-mesh.ts';

/** Two members: m1 sends m0 its part of the third chunk and of the first, then sums of the fourth and of the second. */
const chunkElements = chunkBytes / 4;
const vectorLength = 4 * chunkElements;
const step = 10;
const ranks = randomRanks(4, vectorLength, 1);
/** How what one member has comes to another. */
export interface Way {
  /** Of a chunk, behind its frame's header. */
  readonly payloadBytes: number;
  /** Puts a proxy in front of a member. @returns the member, as it is found behind it */
  readonly startProxy: (
    member: ViewMember,
    faults?: TcpFaults,
  ) => Promise<[LocalProxy, ViewMember]>;
}

export const bySockets: Way = {
  payloadBytes: 4 * chunkElements,
  async startProxy(member, faults) {
    const proxy = await startTcpProxy(member, { spareBytes: listenerBytes, ...faults });
    return [proxy, { ...member, ...proxy.endpoint }];
  },
};

export const byMemory: Way = {
  payloadBytes: 0,
  async startProxy(member, faults) {
    const { memberId, port } = member;
    // No other has it: it is no port, and only names the socket.
    const behind = { ...member, port: port + 100_000 };
    const [at, target] = [localPathOf(memberId, behind.port), localPathOf(memberId, port)];
    const ends = { at: at?.path ?? '', target: target?.path ?? '' };
    const counts = (piece: Buffer): boolean =>
      piece.length >= 4 && piece.readUInt32LE() === frameMagic;
    return [await startLocalProxy(ends, { counts, ...faults }), behind];
  },
};

/** Longer than any test may take: an error of another kind must come first. */
const foreverMs = 300_000;
/** Tests of what comes of peers that fail, and of bytes that do not belong, where members go this way. */
export function testFaults({ payloadBytes, startProxy }: Way): void {
  const chunkOnWireBytes = frameHeaderBytes + payloadBytes;
  const damaged = (what: string): string =>
    `the bytes of a frame were damaged on the way (${what}, step ${step}, chunk at element `;
  /** Where a byte is changed, and what is said of it. */
  const damages: [string, number, string][] = [
    [
      'a header',
      chunkOnWireBytes + 62,
      'a frame header was damaged on the way: it does not have the CRC sent with it',
    ],
    ...(payloadBytes === 0
      ? []
      : ([
          [
            'a contribution',
            chunkOnWireBytes + frameHeaderBytes + 2000,
            `${damaged('contribution')}0)`,
          ],
          [
            'a sum',
            3 * chunkOnWireBytes + frameHeaderBytes + 2000,
            `${damaged('reduced')}${chunkElements})`,
          ],
        ] satisfies [string, number, string][])),
  ];
  /** Time for all that can be done, on this machine as busy as it is, until only what hangs is missing. */
  let deadlineMs = 0;

  beforeAll(async () => {
    const mesh = await startNodes(3, 4);
    const startMs = performance.now();
    const sessions = await joinAll(mesh, { vectorLength });
    await settleStep(sessions);
    deadlineMs = 1_000 + 5 * (performance.now() - startMs);
    await mesh.close();
  });

  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A mesh in which what the last member sends passes through a faulty proxy. */
  async function startFaultyMesh(numMembers: number, faults: TcpFaults): Promise<LocalMesh> {
    const mesh = await startNodes(numMembers, 4);
    cleanups.push(() => mesh.close());
    const [proxy, last] = await startProxy(mesh.view.members.at(-1)!, faults);
    cleanups.push(() => proxy.close());
    const members = [...mesh.view.members.slice(0, -1), last];
    return { ...mesh, view: { ...mesh.view, fencingEpoch: 3, version: 5, members } };
  }

  /** Starts the step on all members and waits for all of them, whatever comes of it. */
  function settleStep(
    sessions: readonly ViewSession[],
    timeoutMs = foreverMs,
  ): Promise<PromiseSettledResult<ReduceResult>[]> {
    return Promise.allSettled(
      sessions.map((session, member) => reduceRanks(session, member, ranks, step, timeoutMs)),
    );
  }

  /** Settles a step in which the last member hangs, with ever more time until all that can be done is done. */
  async function settleHanging(
    numMembers: number,
    stallAfterBytes: number,
    message: RegExp,
  ): Promise<PromiseSettledResult<ReduceResult>[]> {
    for (let timeoutMs = deadlineMs; ; timeoutMs *= 4) {
      const mesh = await startFaultyMesh(numMembers, { stallAfterBytes });
      const outcomes = await settleStep(await joinAll(mesh, { vectorLength }), timeoutMs);
      const others = outcomes.slice(0, -1);
      const isAllDone = others.every((outcome) => message.test(errorOf(outcome).message));
      if (isAllDone || timeoutMs > foreverMs / 4) return outcomes;
    }
  }

  function errorOf(outcome: PromiseSettledResult<unknown> | undefined): BerthError {
    if (outcome?.status !== 'rejected') throw new Error('the call should have been rejected');
    return outcome.reason as BerthError;
  }

  /** A whole frame as m1 would send it, but for these fields. */
  function frame(fields: Partial<FrameHeader>): Buffer {
    const header: FrameHeader = {
      format: newestFrameFormat,
      type: 'contribution',
      dtype: 'fp32',
      runHash: runHashOf(runId),
      fencingEpoch: 3,
      viewVersion: 5,
      step,
      sender: 1,
      slice: 0,
      block: { start: 2, length: 2 },
      vectorLength,
      offset: 2 * chunkElements,
      length: chunkElements,
      ...fields,
    };
    return Buffer.concat([
      encodeFrame(header, [0, 0]),
      Buffer.alloc(payloadBytes === 0 ? 0 : 4 * header.length, 0x55),
    ]);
  }

  describe('a peer that fails', () => {
    it.each<[string, number]>([
      ['before it sends', 0],
      ['after a frame', chunkOnWireBytes],
      ...(payloadBytes > 0
        ? [['inside a chunk', chunkOnWireBytes + 1000] as [string, number]]
        : []),
      ['inside a frame header', chunkOnWireBytes + 10],
      ['after reduce-scatter', 2 * chunkOnWireBytes],
      ['inside all-gather', 3 * chunkOnWireBytes + 1],
    ])('is named at once when its connection breaks %s', async (_, cutAfterBytes) => {
      const mesh = await startFaultyMesh(2, { cutAfterBytes });
      const lost: string[] = [];
      const onPeerLost = (memberId: string): void => void lost.push(memberId);
      const attempts = mesh.nodes.map(async (node, member) => {
        const options = { vectorLength, connectTimeoutMs: foreverMs, onPeerLost };
        const session = await node.joinView(mesh.view, options);
        return reduceRanks(session, member, ranks, step, foreverMs);
      });
      void Promise.allSettled(attempts);
      const [outcome] = await Promise.allSettled(attempts.slice(0, 1));
      expect(errorOf(outcome)).toMatchObject({
        code: 'COLLECTIVE_PEER_LOST',
        details: { memberId: 'm1' },
      });
      expect(lost).toContain('m1');
    });

    it.each([
      ['reduce-scatter', chunkOnWireBytes + 10],
      ['all-gather', 3 * chunkOnWireBytes + 1],
    ])('is named with the phase when it hangs in %s', async (phase, stallAfterBytes) => {
      const message = new RegExp(`waits for m1 in ${phase}`);
      const [outcome] = await settleHanging(2, stallAfterBytes, message);
      const error = errorOf(outcome);
      expect(error).toMatchObject({
        code: 'COLLECTIVE_TIMEOUT',
        details: { missing: 'm1', phase, step, viewVersion: 5 },
      });
      expect(error.message).toMatch(message);
    });

    it('is told from peers that only wait for it', async () => {
      const message = /waits for m2 in reduce-scatter/;
      const outcomes = await settleHanging(3, 10, message);
      const codes = outcomes.map((outcome) => errorOf(outcome).code);
      expect(codes).toContain('COLLECTIVE_TIMEOUT');
      for (const outcome of outcomes.slice(0, 2)) {
        expect(errorOf(outcome).message).toMatch(message);
      }
    });

    it('is named to a peer of its peer too, when it breaks off', async () => {
      const mesh = await startFaultyMesh(3, {});
      const sessions = await joinAll(mesh, { vectorLength });
      const pending = settleStep(sessions.slice(0, 2));
      await mesh.nodes[2]!.close();
      for (const outcome of await pending) {
        expect(errorOf(outcome)).toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
        expect(errorOf(outcome).message).toMatch('lost member m2');
      }
    });

    it('is noticed soon when its connections stand open and carry nothing', async () => {
      const mesh = await startNodes(2, 4);
      cleanups.push(() => mesh.close());
      const [first, last] = mesh.view.members;
      const [proxy, behind] = await startProxy(last!);
      cleanups.push(() => proxy.close());
      const members = [first!, behind];
      const sessions = await joinAll(
        { ...mesh, view: { ...mesh.view, members } },
        { vectorLength },
      );
      await settleStep(sessions);
      proxy.disturb('freeze');
      const [outcome] = await settleStep(sessions.slice(0, 1));
      expect(errorOf(outcome)).toMatchObject({
        code: 'COLLECTIVE_PEER_LOST',
        details: { memberId: 'm1' },
      });
    });

    it('is noticed between steps, and by the next step', async () => {
      const mesh = await startFaultyMesh(2, {});
      const losses: BerthError[] = [];
      const onPeerLost = (_: string, error: BerthError): void => void losses.push(error);
      const [session] = await joinAll(mesh, { vectorLength, onPeerLost });
      await mesh.nodes[1]!.close();
      await expect.poll(() => losses).toMatchObject([{ details: { memberId: 'm1' } }]);
      await expect(reduceRanks(session!, 0, ranks, step)).rejects.toBe(losses[0]);
    });

    it('says goodbye with its reason when it closes the session', async () => {
      const sessions = await joinAll(await startFaultyMesh(2, {}), { vectorLength });
      const pending = settleStep(sessions.slice(0, 1));
      sessions[1]!.close();
      const [outcome] = await pending;
      expect(errorOf(outcome).message).toMatch('m1: left the view: this member closed view 5');
    });
  });

  describe('bytes that do not belong', () => {
    const reduceWith = async (faults: TcpFaults): Promise<PromiseSettledResult<ReduceResult>[]> =>
      settleStep(await joinAll(await startFaultyMesh(2, faults), { vectorLength }));

    it('are refused when they are no frame, and the sender is named', async () => {
      const [outcome] = await reduceWith({ inject: Buffer.alloc(200, 0xa7) });
      expect(errorOf(outcome)).toMatchObject({
        code: 'COLLECTIVE_PROTOCOL',
        details: { memberId: 'm1' },
      });
    });

    it.each([
      ['an older fencing epoch', { fencingEpoch: 2, viewVersion: 9, step: 99 }],
      ['an older view', { viewVersion: 4, step: 99 }],
      ['an older step', { step: step - 1 }],
      ['an older view, of another shape', { viewVersion: 4, vectorLength: 7, length: 7 }],
    ])('are dropped when they come from %s', async (_, fields) => {
      const outcomes = await reduceWith({ inject: Buffer.concat([frame(fields), frame(fields)]) });
      const digest = vectorDigest(expectedSum(ranks));
      expect(outcomes).toMatchObject([{ value: { digest } }, { value: { digest } }]);
    });

    it.each([
      ['runHash', { runHash: runHashOf('another run') }],
      ['fencingEpoch', { fencingEpoch: 4 }],
      ['viewVersion', { viewVersion: 6 }],
      ['step', { step: step + 1 }],
      ['sender', { sender: 0 }],
      ['slice', { slice: 1 }],
      ['block', { block: { start: 0, length: 2 } }],
      ['vectorLength', { vectorLength: vectorLength + 1 }],
      ['offset', { offset: chunkElements }],
      ['length', { length: chunkElements - 1 }],
    ])('are refused when %s is not the one that is due', async (field, fields) => {
      const [outcome] = await reduceWith({ inject: frame(fields) });
      expect(errorOf(outcome).code).toBe('COLLECTIVE_PROTOCOL');
      expect(errorOf(outcome).message).toMatch(`has ${field} `);
    });

    it.each(damages)('are named when %s is damaged', async (_, corruptByte, says) => {
      const [first] = await reduceWith({ corruptByte });
      expect(errorOf(first)).toMatchObject({
        code: 'COLLECTIVE_PROTOCOL',
        message: `member m1 broke the protocol: ${says}`,
        details: { memberId: 'm1' },
      });
    });
  });

  describe('disturbances that are no failure', () => {
    it('a slow peer changes nothing but the time', async () => {
      const mesh = await startFaultyMesh(3, { delayMs: 1 });
      const outcomes = await settleStep(await joinAll(mesh, { vectorLength }));
      const digest = vectorDigest(expectedSum(ranks));
      expect(
        outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.digest),
      ).toEqual([digest, digest, digest]);
    });

    it('a next view takes up where a broken one left off, with the same bits', async () => {
      const mesh = await startNodes(3, 4);
      cleanups.push(() => mesh.close());
      const sessions = await joinAll(mesh, { vectorLength });
      const pending = settleStep(sessions.slice(0, 2));
      await mesh.nodes[2]!.close();
      await pending;
      const [first, second] = mesh.view.members;
      const members = [
        { ...first!, blocks: [{ start: 0, length: 2 }] },
        { ...second!, blocks: [{ start: 2, length: 2 }] },
      ];
      const survivors = {
        nodes: mesh.nodes.slice(0, 2),
        view: { ...mesh.view, version: 2, members },
      };
      const outcomes = await settleStep(await joinAll({ ...mesh, ...survivors }, { vectorLength }));
      const digest = vectorDigest(expectedSum(ranks));
      expect(outcomes).toMatchObject([{ value: { digest } }, { value: { digest } }]);
    });
  });

  describe('stopping', () => {
    it('ends a pending allReduce when the caller aborts', async () => {
      const [session] = await joinAll(await startFaultyMesh(2, {}), { vectorLength });
      const stop = new AbortController();
      const pending = reduceWithSignal(session!, stop.signal);
      stop.abort();
      await expect(pending).rejects.toMatchObject({ code: 'COLLECTIVE_ABORTED' });
      await expect(reduceWithSignal(session!, new AbortController().signal)).rejects.toMatchObject({
        code: 'COLLECTIVE_ABORTED',
      });
    });

    it('ends the allReduce of a lone member too', async () => {
      const mesh = await startNodes(1, 4);
      cleanups.push(() => mesh.close());
      const [session] = await joinAll(mesh, { vectorLength });
      await expect(reduceWithSignal(session!, AbortSignal.abort())).rejects.toMatchObject({
        code: 'COLLECTIVE_ABORTED',
      });
    });

    function reduceWithSignal(session: ViewSession, signal: AbortSignal): Promise<ReduceResult> {
      const contributions = session.view.members[0]!.blocks.map((block) => ({
        block,
        data: new Float32Array(vectorLength),
      }));
      return session.allReduce({ step, contributions, timeoutMs: foreverMs, signal });
    }
  });
}
