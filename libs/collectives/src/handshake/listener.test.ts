import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, type LogFields, type Logger, type View } from '@berth/contracts';
import { startTcpProxy } from '@berth/faults';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeControl } from '../connections/control.ts';
import { vectorDigest } from '../reduce/digest.ts';
import {
  decodeReply,
  deriveKey,
  encodeHello,
  encodeReply,
  handshakeTimeoutMs,
  newNonce,
  prove,
  replyBytes,
} from './messages.ts';
import { createPeerNode, type PeerNode } from '../peer-node.ts';
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
import { StateMemory } from '../state/memory.ts';

const vectorLength = 1000;
const ranks = randomRanks(4, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));
const key = deriveKey(secret);
const hello = { purpose: 'join', from: 'm1', to: 'm0' } as const;

async function startMesh(numMembers = 2): Promise<LocalMesh> {
  const mesh = await startNodes(numMembers, 4);
  onTestFinished(() => mesh.close());
  return mesh;
}

async function startNode(
  memberId: string,
  options: { readonly secret?: string; readonly logger?: Logger } = {},
): Promise<{ node: PeerNode; member: { memberId: string; host: string; port: number } }> {
  const host = '127.0.0.1';
  const node = createPeerNode({ memberId, host, secret, logger: silentLogger, ...options });
  onTestFinished(() => node.close());
  return { node, member: { memberId, ...(await node.listen()) } };
}

/** What a stranger sees who knows the protocol but need not keep to it. */
interface Stranger {
  readonly socket: Socket;
  /** All bytes that have come. */
  received(): Buffer;
  readonly closed: Promise<unknown>;
}

async function callStranger(port: number): Promise<Stranger> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return { socket, received: () => Buffer.concat(pieces), closed };
}

/** Sends a hello and waits for the challenge. */
async function challenge(stranger: Stranger, bytes: Buffer): Promise<Buffer> {
  stranger.socket.write(bytes);
  await expect.poll(() => stranger.received().length).toBe(replyBytes);
  const { status, payload } = decodeReply(stranger.received());
  expect(status).toBe('challenge');
  return payload;
}

async function expectSums(mesh: LocalMesh): Promise<void> {
  const sessions = await joinAll(mesh, { vectorLength });
  const results = await Promise.all(
    sessions.map((session, member) => reduceRanks(session, member, ranks)),
  );
  expect(new Set(results.map((result) => result.digest))).toEqual(new Set([digest]));
}

function recordingLogger(): { logger: Logger; warnings: LogFields[] } {
  const warnings: LogFields[] = [];
  const warn = (message: string, fields?: LogFields): void => {
    warnings.push({ message, ...fields });
  };
  return { logger: { ...silentLogger, warn }, warnings };
}

describe('members with the same secret', () => {
  it('join and sum', async () => {
    await expect(expectSums(await startMesh(3))).resolves.toBeUndefined();
  });
});

describe('a member with another secret', () => {
  const view = (mesh: LocalMesh, port: number): View => {
    const [first, last] = mesh.view.members;
    return { ...mesh.view, members: [first!, { ...last!, port }] };
  };
  const join = { vectorLength, connectTimeoutMs: 60_000 };

  it('is named on both sides, soon, with what to do', async () => {
    const mesh = await startMesh();
    const { node, member } = await startNode('m1', { secret: 'the secret of somebody else' });
    const both = view(mesh, member.port);
    const outcomes = await Promise.allSettled([
      mesh.nodes[0]!.joinView(both, join),
      node.joinView(both, join),
    ]);
    expect(outcomes).toMatchObject([
      { reason: { code: 'COLLECTIVE_UNAUTHENTICATED', details: { missing: 'm1' } } },
      { reason: { code: 'COLLECTIVE_UNAUTHENTICATED', details: { missing: 'm0' } } },
    ]);
    expect(outcomes).toMatchObject([
      { reason: { message: expect.stringMatching(/secrets of m0 and m1 differ.*BERTH_SECRET/) } },
      {},
    ]);
  });

  it('accuses all others, each of whom accuses it only', async () => {
    const mesh = await startMesh(3);
    const { node, member } = await startNode('m2', { secret: 'the secret of somebody else' });
    const members = mesh.view.members.map((m) => (m.memberId === 'm2' ? { ...m, ...member } : m));
    const outcomes = await Promise.allSettled(
      [...mesh.nodes.slice(0, 2), node].map((one) => one.joinView({ ...mesh.view, members }, join)),
    );
    expect(outcomes).toMatchObject(
      ['m2', 'm2', 'm0, m1'].map((missing) => ({ reason: { details: { missing } } })),
    );
  });

  it('gets no state', async () => {
    const { node: giver, member } = await startNode('giver');
    const label = { runId: 'run-a', fencingEpoch: 1, viewVersion: 1, step: 0 };
    giver.offerState({ label, memory: new StateMemory([1]) });
    const { node: taker } = await startNode('taker', { secret: 'the secret of somebody else' });
    const request = { label, memory: new StateMemory([1]), timeoutMs: 300_000 };
    await expect(taker.fetchState([member], request)).rejects.toMatchObject({
      code: 'COLLECTIVE_UNAUTHENTICATED',
      details: { missing: 'giver' },
    });
  });

  it('hears nothing of the run from a dialler, not even why it gives up', async () => {
    let heard = Buffer.alloc(0);
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        if (heard.length === 0) socket.write(encodeReply('challenge', newNonce()));
        else socket.write(encodeReply('welcome', newNonce()));
        heard = Buffer.concat([heard, bytes]);
      });
    }).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    onTestFinished(() => void impostor.close());
    const mesh = await startMesh();
    const joining = mesh.nodes[0]!.joinView(
      view(mesh, (impostor.address() as AddressInfo).port),
      join,
    );
    await expect(joining).rejects.toMatchObject({ code: 'COLLECTIVE_UNAUTHENTICATED' });
    await delay(100);
    const sent = encodeHello({ ...hello, from: 'm0', to: 'm1', nonce: newNonce() });
    expect(heard).toHaveLength(sent.length + 32);
  });
});

describe('a connection that proves nothing', () => {
  const encoded = (): Buffer => encodeHello({ ...hello, nonce: newNonce() });

  it.each([
    ['no hello', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a message of members', encodeControl({ kind: 'alive' })],
    ['more than a hello', Buffer.concat([encoded(), Buffer.alloc(1 << 16)])],
    ['a megabyte of noise', Buffer.alloc(1 << 20, 0xa7)],
  ])('is closed at once when it sends %s', async (_, bytes) => {
    const mesh = await startMesh();
    const stranger = await callStranger(mesh.view.members[0]!.port);
    stranger.socket.write(bytes);
    await stranger.closed;
    expect(stranger.received()).toHaveLength(0);
    await expectSums(mesh);
  });

  it('is closed when it sends more than a proof, though it is right', async () => {
    const mesh = await startMesh();
    const stranger = await callStranger(mesh.view.members[0]!.port);
    const bytes = encoded();
    const proof = prove(key, 'dialler', bytes, await challenge(stranger, bytes));
    stranger.socket.write(Buffer.concat([proof, Buffer.of(0)]));
    await stranger.closed;
    expect(stranger.received()).toHaveLength(replyBytes);
  });

  it('is told that the secrets differ when its proof is wrong', async () => {
    const mesh = await startMesh();
    const stranger = await callStranger(mesh.view.members[0]!.port);
    await challenge(stranger, encoded());
    stranger.socket.write(Buffer.alloc(32));
    await stranger.closed;
    expect(decodeReply(stranger.received().subarray(replyBytes)).status).toBe('differs');
  });

  it.each([
    ['sends nothing', async () => undefined],
    [
      'sends a byte now and then',
      async ({ socket }: Stranger) => {
        for (const byte of encoded()) {
          if (socket.destroyed) return;
          socket.write(Buffer.of(byte));
          await delay(100);
        }
      },
    ],
  ])('has two seconds when it %s', async (_, behave) => {
    const mesh = await startMesh();
    const startMs = performance.now();
    const stranger = await callStranger(mesh.view.members[0]!.port);
    void behave(stranger);
    await stranger.closed;
    const ms = performance.now() - startMs;
    expect(ms).toBeGreaterThan(handshakeTimeoutMs - 100);
    expect(ms).toBeLessThan(15 * handshakeTimeoutMs);
  });

  it('cannot use the words of others: a recorded handshake', async () => {
    const mesh = await startMesh();
    const [m0] = mesh.view.members;
    const stranger = await callStranger(m0!.port);
    const bytes = encoded();
    const proof = prove(key, 'dialler', bytes, await challenge(stranger, bytes));
    stranger.socket.write(proof);
    await expect.poll(() => stranger.received().length).toBe(2 * replyBytes);

    const replay = await callStranger(m0!.port);
    await challenge(replay, bytes);
    replay.socket.write(proof);
    await replay.closed;
    expect(decodeReply(replay.received().subarray(replyBytes)).status).toBe('differs');
    stranger.socket.destroy();
  });

  it('cannot use the words of others: those that a member sends it', async () => {
    const mesh = await startMesh();
    const [m0] = mesh.view.members;
    // Whoever m0 dials asks m0 itself for the answer, with the nonce that m0 chose.
    const mirror = createServer((socket) => {
      socket.on('error', () => undefined);
      const back = connect(m0!.port, '127.0.0.1');
      back.on('error', () => undefined);
      socket.pipe(back).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    onTestFinished(() => void mirror.close());
    const { port } = mirror.address() as AddressInfo;
    const members = [m0!, { ...mesh.view.members[1]!, port }];
    const joining = mesh.nodes[0]!.joinView(
      { ...mesh.view, members },
      { vectorLength, connectTimeoutMs: 60_000 },
    );
    await expect(joining).rejects.toThrow(/lost member m1: another member listens at its address/);
  });

  it('is logged with its address, in one line for many', async () => {
    const { logger, warnings } = recordingLogger();
    const { member } = await startNode('m0', { logger });
    for (let i = 0; i < 20; i += 1) {
      const stranger = await callStranger(member.port);
      stranger.socket.write('noise');
      await stranger.closed;
    }
    expect(warnings).toMatchObject([
      { message: 'refused a connection', remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    ]);
    expect(JSON.stringify(warnings)).not.toContain(secret);
  });
});

describe('a proven connection', () => {
  it('to another member than the one that listens is refused', async () => {
    const mesh = await startMesh();
    const call = callProven({ ...mesh.view.members[0]!, memberId: 'm7' }, { from: 'm1' });
    await expect(call).rejects.toThrow(/another member listens/);
  });

  it('that was proven for state carries no frames', async () => {
    const mesh = await startMesh();
    const [m0] = mesh.view.members;
    const { socket } = await callProven(m0!, { from: 'm1', purpose: 'state' });
    const { runId, fencingEpoch, version: viewVersion } = mesh.view;
    const join = { kind: 'join', runId, fencingEpoch, viewVersion, from: 'm1', to: 'm0' } as const;
    socket.write(encodeControl(join));
    await once(socket, 'close');
    await expect(expectSums(mesh)).resolves.toBeUndefined();
  });
});

describe('a flood of connections that prove nothing', () => {
  it('changes neither sums nor joining', async () => {
    const mesh = await startMesh(3);
    const { port } = mesh.view.members[0]!;
    const sessions = await joinAll(mesh, { vectorLength });
    const flood = new Set<Socket>();
    const stop = new AbortController();
    let numOpened = 0;
    const pour = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const socket = connect(port, '127.0.0.1');
        flood.add(socket);
        socket.on('error', () => undefined).on('close', () => flood.delete(socket));
        socket.resume();
        if (numOpened++ % 2 === 0) socket.write('BRTA');
        await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
      }
    };
    const pouring = [pour(), pour()];
    onTestFinished(() => stop.abort());
    await expect.poll(() => numOpened).toBeGreaterThan(200);
    for (let step = 0; step < 20; step += 1) {
      const results = await Promise.all(
        sessions.map((session, member) => reduceRanks(session, member, ranks, step)),
      );
      expect(results.map((result) => result.digest)).toEqual([digest, digest, digest]);
    }
    await expectSums({ ...mesh, view: { ...mesh.view, version: 2 } });
    // At most 64 wait at the gate, and some 512 in the kernel.
    await expect.poll(() => numOpened).toBeGreaterThan(1_000);
    expect(flood.size).toBeLessThan(700);
    stop.abort();
    await Promise.all(pouring);
    await expect.poll(() => flood.size).toBe(0);
  });
});

describe('a member that is slow at first', () => {
  it('is dialled again', async () => {
    const mesh = await startMesh();
    const [first, last] = mesh.view.members;
    const proxy = await startTcpProxy(last!, { delayMs: handshakeTimeoutMs });
    onTestFinished(() => proxy.close());
    setTimeout(() => proxy.setDelay(0), 2_500);
    const members = [first!, { ...last!, ...proxy.endpoint }];
    const view = { ...mesh.view, members };
    await expect(expectSums({ ...mesh, view })).resolves.toBeUndefined();
  });
});
