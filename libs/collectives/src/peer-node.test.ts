import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '@berth/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { vectorDigest } from './reduce/digest.ts';
import { createPeerNode } from './peer-node.ts';
import {
  callProven,
  expectedSum,
  joinAll,
  type LocalMesh,
  randomRanks,
  reduceRanks,
  secret,
  startNodes,
} from './testing/local-mesh.ts';

const vectorLength = 1000;
const ranks = randomRanks(4, vectorLength, 1);
const digest = vectorDigest(expectedSum(ranks));
const foreverMs = 300_000;
const join = { vectorLength, connectTimeoutMs: foreverMs };

let meshes: LocalMesh[] = [];
afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()));
  meshes = [];
});

async function startMesh(numMembers: number): Promise<LocalMesh> {
  const mesh = await startNodes(numMembers, 4);
  meshes.push(mesh);
  return mesh;
}

async function digests(mesh: LocalMesh): Promise<string[]> {
  const sessions = await joinAll(mesh, { vectorLength });
  const results = await Promise.all(
    sessions.map((session, member) => reduceRanks(session, member, ranks)),
  );
  return results.map((result) => result.digest);
}

describe('joinView', () => {
  it('keeps the port over many views', async () => {
    const mesh = await startMesh(3);
    for (let version = 1; version <= 20; version += 1) {
      expect(await digests({ ...mesh, view: { ...mesh.view, version } })).toEqual([
        digest,
        digest,
        digest,
      ]);
    }
  });

  it('waits for members that join later', async () => {
    const { nodes, view } = await startMesh(3);
    const results = await Promise.all(
      nodes.map(async (node, member) => {
        await delay(member * 400);
        return reduceRanks(await node.joinView(view, join), member, ranks);
      }),
    );
    expect(results.map((result) => result.digest)).toEqual([digest, digest, digest]);
  });

  it('names who did not join before the deadline', async () => {
    const { nodes, view } = await startMesh(4);
    const joins = [0, 2].map((member) =>
      nodes[member]!.joinView(view, { vectorLength, connectTimeoutMs: 300 }),
    );
    const [outcome] = await Promise.allSettled(joins);
    expect(outcome).toMatchObject({
      reason: { code: 'COLLECTIVE_TIMEOUT', details: { missing: 'm1, m3', phase: 'connect' } },
    });
  });

  it('names a member at once when nobody listens at its address', async () => {
    const { nodes, view } = await startMesh(2);
    await nodes[1]!.close();
    await expect(nodes[0]!.joinView(view, join)).rejects.toMatchObject({
      code: 'COLLECTIVE_PEER_LOST',
      details: { memberId: 'm1' },
    });
  });

  it('gives way to the next view, also while it waits', async () => {
    const mesh = await startMesh(2);
    const superseded = Promise.allSettled([mesh.nodes[0]!.joinView(mesh.view, join)]);
    expect(await digests({ ...mesh, view: { ...mesh.view, version: 2 } })).toEqual([
      digest,
      digest,
    ]);
    expect(await superseded).toMatchObject([{ reason: { code: 'COLLECTIVE_ABORTED' } }]);
  });

  it('stops waiting when the caller aborts', async () => {
    const { nodes, view } = await startMesh(2);
    const stop = new AbortController();
    const joining = nodes[0]!.joinView(view, { ...join, signal: stop.signal });
    stop.abort();
    await expect(joining).rejects.toMatchObject({ code: 'COLLECTIVE_ABORTED' });
  });

  it.each([
    ['version', { version: 4 }],
    ['fencing epoch', { fencingEpoch: 1, version: 9 }],
  ])('keeps out a member with a view of an older %s', async (_, older) => {
    const mesh = await startMesh(3);
    const view = { ...mesh.view, fencingEpoch: 2, version: 5 };
    const newcomers = { ...mesh, nodes: mesh.nodes.slice(0, 2) };
    const members = view.members.slice(0, 2).map((member, index) => ({
      ...member,
      blocks: [{ start: 2 * index, length: 2 }],
    }));
    const sessions = await joinAll({ ...newcomers, view: { ...view, members } }, { vectorLength });
    const zombie = mesh.nodes[2]!.joinView({ ...view, ...older }, join);
    await expect(zombie).rejects.toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
    const results = await Promise.all(
      sessions.map((session, member) => reduceRanks(session, member, ranks)),
    );
    expect(results.map((result) => result.digest)).toEqual([digest, digest]);
  });

  it('refuses to go back to an older view', async () => {
    const mesh = await startMesh(1);
    const node = mesh.nodes[0]!;
    await node.joinView({ ...mesh.view, fencingEpoch: 2, version: 5 }, join);
    for (const older of [
      { fencingEpoch: 2, version: 4 },
      { fencingEpoch: 1, version: 6 },
    ]) {
      await expect(node.joinView({ ...mesh.view, ...older }, join)).rejects.toMatchObject({
        code: 'WORKER_FENCED',
      });
    }
  });

  it('refuses views without this member, or with virtual ranks left out', async () => {
    const { nodes, view } = await startMesh(2);
    const others = { ...view, members: view.members.slice(1) };
    await expect(nodes[0]!.joinView(others, join)).rejects.toThrow(/no member m0/);
    const half = { ...view, members: view.members.slice(0, 1) };
    half.members[0] = { ...half.members[0]!, blocks: [{ start: 1, length: 1 }] };
    await expect(nodes[0]!.joinView(half, join)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('refuses a vector that cannot be addressed', async () => {
    const { nodes, view } = await startMesh(1);
    const tooLong = { ...join, vectorLength: 2 ** 30 };
    await expect(nodes[0]!.joinView(view, tooLong)).rejects.toThrow(/use a smaller model/);
  });
});

describe('listening port', () => {
  it.each([
    ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a prefix that promises too much', Buffer.from('43545242ffffff7f', 'hex')],
    ['text that is no JSON', Buffer.from('4354524203000000414243', 'hex')],
    ['a message of unknown kind', controlBytes('{"kind":"toString"}')],
    ['a message with a wrong field', controlBytes('{"kind":"state","runId":"r","step":-1}')],
    [
      'a call for somebody else',
      controlBytes(
        '{"kind":"join","runId":"run-a","fencingEpoch":1,"viewVersion":9,"from":"m1","to":"mx"}',
      ),
    ],
    [
      "a call in another member's name",
      controlBytes(
        '{"kind":"join","runId":"run-a","fencingEpoch":1,"viewVersion":9,"from":"m2","to":"m0"}',
      ),
    ],
    [
      'a request for state on a connection for frames',
      controlBytes('{"kind":"state","runId":"run-a","step":0}'),
    ],
    [
      'a second call of the same member',
      controlBytes(
        '{"kind":"join","runId":"run-a","fencingEpoch":1,"viewVersion":1,"from":"m1","to":"m0"}',
      ),
    ],
  ])('hangs up on %s, and the view goes on', async (_, bytes) => {
    const mesh = await startMesh(2);
    const sessions = await joinAll(mesh, { vectorLength });
    const { socket } = await callProven(mesh.view.members[0]!, { from: 'm1' });
    socket.write(bytes);
    await once(socket, 'close');
    const results = await Promise.all(
      sessions.map((session, member) => reduceRanks(session, member, ranks)),
    );
    expect(results.map((result) => result.digest)).toEqual([digest, digest]);
  });

  it('can be chosen, and is refused when taken', async () => {
    const { view } = await startMesh(1);
    const { port } = view.members[0]!;
    const second = createPeerNode({
      memberId: 'b',
      host: '127.0.0.1',
      port,
      secret,
      logger: silentLogger,
    });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

function controlBytes(text: string): Buffer {
  const prefix = Buffer.from('4354524200000000', 'hex');
  prefix.writeUInt32LE(text.length, 4);
  return Buffer.concat([prefix, Buffer.from(text)]);
}
