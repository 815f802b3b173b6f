import { sha256Hex, silentLogger } from '@berth/contracts';
import { startTcpProxy, type TcpFaults } from '@berth/faults';
import { afterEach, describe, expect, it } from 'vitest';
import { listenerBytes } from './handshake.ts';
import { createPeerNode, type PeerNode } from './mesh.ts';
import { randomRanks, secret } from './testing/local-mesh.ts';

const parts = [...randomRanks(2, 700_001, 1), new Float32Array(0), ...randomRanks(1, 3, 2)];
const request = {
  runId: 'run-a',
  step: 7,
  partLengths: parts.map(({ length }) => length),
  timeoutMs: 300_000,
};

const sha256 = ({ buffer }: Float32Array): string => sha256Hex(new Uint8Array(buffer));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function startNode(memberId: string): PeerNode {
  const node = createPeerNode({ memberId, host: '127.0.0.1', secret, logger: silentLogger });
  cleanups.push(() => node.close());
  return node;
}

/** Asks a member that has the state of run-a after 7 steps, through a faulty connection. */
async function fetchThrough(
  faults: TcpFaults,
  changes: Partial<typeof request> = {},
): Promise<Float32Array[]> {
  const giver = startNode('giver');
  giver.serveState(({ runId, step }) =>
    Promise.resolve(runId === 'run-a' && step === 7 ? { step, parts } : undefined),
  );
  const proxy = await startTcpProxy(await giver.listen(), { spareBytes: listenerBytes, ...faults });
  cleanups.push(() => proxy.close());
  const taker = startNode('taker');
  await taker.listen();
  return taker.fetchState({ memberId: 'giver', ...proxy.endpoint }, { ...request, ...changes });
}

describe('fetchState', () => {
  it('copies all parts to the bit', async () => {
    const copies = await fetchThrough({});
    expect(copies.map(sha256)).toEqual(parts.map(sha256));
  });

  it.each([
    ['step', { step: 8 }],
    ['run', { runId: 'run-b' }],
  ])('says so when the peer has nothing of that %s', async (_, changes) => {
    await expect(fetchThrough({}, changes)).rejects.toMatchObject({ code: 'COLLECTIVE_ABORTED' });
  });

  it('refuses parts of other lengths', async () => {
    await expect(fetchThrough({}, { partLengths: [3] })).rejects.toThrow(
      /giver broke the protocol: offers state .*700001/,
    );
  });

  it.each([200, 2_000_000, 5_600_100])(
    'refuses state with byte %i damaged',
    async (corruptByte) => {
      await expect(fetchThrough({ corruptByte })).rejects.toMatchObject({
        code: 'COLLECTIVE_PROTOCOL',
        details: { memberId: 'giver' },
      });
    },
  );

  it('names the peer when the connection breaks', async () => {
    await expect(fetchThrough({ cutAfterBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'COLLECTIVE_PEER_LOST',
      details: { memberId: 'giver' },
    });
  });

  it('names the peer when it hangs', async () => {
    await expect(
      fetchThrough({ stallAfterBytes: 1_000_000 }, { timeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'COLLECTIVE_TIMEOUT',
      details: { missing: 'giver', phase: 'state' },
    });
  });

  it('names the peer when nobody listens', async () => {
    const taker = startNode('taker');
    await taker.listen();
    const gone = startNode('gone');
    const endpoint = await gone.listen();
    await gone.close();
    await expect(
      taker.fetchState({ memberId: 'gone', ...endpoint }, request),
    ).rejects.toMatchObject({ code: 'COLLECTIVE_PEER_LOST', details: { memberId: 'gone' } });
  });

  it('ends with the provider that fails', async () => {
    const giver = startNode('giver');
    giver.serveState(() => Promise.reject(new Error('the runtime is busy')));
    const endpoint = await giver.listen();
    const taker = startNode('taker');
    await taker.listen();
    await expect(
      taker.fetchState({ memberId: 'giver', ...endpoint }, request),
    ).rejects.toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
  });
});
