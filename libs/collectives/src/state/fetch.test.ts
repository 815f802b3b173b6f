import { setTimeout as delay } from 'node:timers/promises';
import { BerthError, sha256Hex, silentLogger } from '@berth/contracts';
import { startTcpProxy, type TcpFaults } from '@berth/faults';
import { afterEach, describe, expect, it } from 'vitest';
import { listenerBytes } from '../handshake/messages.ts';
import { createPeerNode, type PeerNode } from '../peer-node.ts';
import { randomRanks, secret } from '../testing/local-mesh.ts';
import type { PeerAddress } from '../connections/peer-address.ts';
import type { StateTransfer } from './fetch.ts';
import { sliceBytes, StateMemory } from './memory.ts';

/** Three slices, one, none and one: 16 MB in pieces of uneven size. */
const parts = [
  ...randomRanks(1, 2_700_001, 1),
  ...randomRanks(1, 700_001, 2),
  new Float32Array(0),
  ...randomRanks(1, 3, 3),
];
const partLengths = parts.map(({ length }) => length);
const label = { runId: 'run-a', fencingEpoch: 2, viewVersion: 5, step: 7 };
const numSlices = 5;

const sha256 = (part: Float32Array): string => sha256Hex(new Uint8Array(part.slice().buffer));
const expected = parts.map(sha256);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function startNode(memberId: string): PeerNode {
  const node = createPeerNode({ memberId, host: '127.0.0.1', secret, logger: silentLogger });
  cleanups.push(() => node.close());
  return node;
}

function filledMemory(): StateMemory {
  const memory = new StateMemory(partLengths);
  parts.forEach((part, index) => memory.parts[index]?.set(part));
  return memory;
}

/** A member that has the state, behind a faulty connection. */
async function donor(
  memberId: string,
  faults: TcpFaults = {},
  offered: Partial<typeof label> = {},
): Promise<PeerAddress & { readonly node: PeerNode; readonly cut: () => void }> {
  const node = startNode(memberId);
  node.offerState({ label: { ...label, ...offered }, memory: filledMemory() });
  const proxy = await startTcpProxy(await node.listen(), { spareBytes: listenerBytes, ...faults });
  cleanups.push(() => proxy.close());
  return { memberId, ...proxy.endpoint, node, cut: () => proxy.disturb('cut') };
}

interface Copy extends StateTransfer {
  readonly hashes: readonly string[];
}

async function copy(
  donors: readonly PeerAddress[],
  changes: { timeoutMs?: number; sliceTimeoutMs?: number; signal?: AbortSignal } = {},
): Promise<Copy> {
  const memory = new StateMemory(partLengths);
  const taker = startNode('taker');
  const request = { label, memory, timeoutMs: 300_000, ...changes };
  const transfer = await taker.fetchState(donors, request);
  return { ...transfer, hashes: memory.parts.map(sha256) };
}

const total = ({ slicesOf }: StateTransfer): number =>
  Object.values(slicesOf).reduce((sum, count) => sum + count, 0);

describe('fetchState', () => {
  it.each([1, 2, 3])('copies all parts to the bit from %i donors', async (numDonors) => {
    const names = ['a', 'b', 'c'].slice(0, numDonors);
    const done = await copy(await Promise.all(names.map((name) => donor(name))));
    expect(done.hashes).toEqual(expected);
    expect(done.numBytes).toBe(partLengths.reduce((sum, length) => sum + 4 * length, 0));
    expect(total(done)).toBe(numSlices);
  });

  it('asks all donors', async () => {
    const donors = [await donor('a', { delayMs: 1 }), await donor('b', { delayMs: 1 })];
    const { slicesOf } = await copy(donors);
    expect(Object.keys(slicesOf).sort()).toEqual(['a', 'b']);
  });

  it('takes the slices of a donor that dies in the middle from another', async () => {
    const dying = await donor('dying', { cutAfterBytes: sliceBytes + 100_000 });
    const done = await copy([dying, await donor('other', { delayMs: 1 })]);
    expect(done.hashes).toEqual(expected);
    expect(total(done)).toBe(numSlices);
  });

  it('takes the slices of a donor that hangs from another', async () => {
    const hanging = await donor('hanging', { stallAfterBytes: 1_000_000 });
    const done = await copy([hanging, await donor('other')], { sliceTimeoutMs: 2000 });
    expect(done.hashes).toEqual(expected);
    expect(done.slicesOf).toEqual({ other: numSlices });
  });

  it.each([2_000_000, 9_000_100])('asks again for a slice with byte %i damaged', async (byte) => {
    const damaging = await donor('damaging', { corruptByte: byte });
    const alone = await copy([damaging]);
    expect(alone.hashes).toEqual(expected);
    const both = await copy([damaging, await donor('other', { delayMs: 1 })]);
    expect(both.hashes).toEqual(expected);
  });

  it('does without a donor whose messages are damaged', async () => {
    const garbling = await donor('garbling', { corruptByte: 20 });
    const done = await copy([garbling, await donor('other')]);
    expect(done.slicesOf).toEqual({ other: numSlices });
    await expect(copy([garbling])).rejects.toMatchObject({
      code: 'COLLECTIVE_PROTOCOL',
      details: { memberId: 'garbling' },
    });
  });

  it.each([
    ['run', { runId: 'run-b' }],
    ['step', { step: 8 }],
    ['view', { viewVersion: 6 }],
    ['epoch', { fencingEpoch: 3, viewVersion: 1 }],
  ])('refuses the state of another %s', async (_, offered) => {
    const stale = await donor('stale', {}, offered);
    await expect(copy([stale])).rejects.toMatchObject({ code: 'COLLECTIVE_ABORTED' });
    const done = await copy([stale, await donor('other')]);
    expect(done.slicesOf).toEqual({ other: numSlices });
  });

  it('waits for a donor that is behind', async () => {
    const late = await donor('late', {}, { viewVersion: 4, step: 6 });
    const copying = copy([late]);
    await delay(50);
    late.node.offerState({ label, memory: filledMemory() });
    expect((await copying).hashes).toEqual(expected);
  });

  it('does not wait for a donor that it can do without', async () => {
    const late = await donor('late', {}, { viewVersion: 4, step: 6 });
    const done = await copy([late, await donor('other')]);
    expect(done.slicesOf).toEqual({ other: numSlices });
  });

  it('ends with the offer', async () => {
    const slow = await donor('slow', { delayMs: 5 });
    const failing = copy([slow]).catch((error: unknown) => error);
    await delay(400);
    slow.node.offerState(undefined);
    expect(await failing).toMatchObject({ code: 'COLLECTIVE_PEER_LOST' });
  });

  it('refuses parts of other lengths', async () => {
    const node = startNode('other');
    node.offerState({ label, memory: new StateMemory([3]) });
    const peer = { memberId: 'other', ...(await node.listen()) };
    await expect(copy([peer])).rejects.toThrow(/other broke the protocol: offers .* of 3 elements/);
  });

  it('names all donors when none is left', async () => {
    const donors = [
      await donor('a', { cutAfterBytes: 1_000_000 }),
      await donor('b', { cutAfterBytes: 2_000_000 }),
    ];
    await expect(copy(donors)).rejects.toMatchObject({
      code: 'COLLECTIVE_PEER_LOST',
      details: { missing: expect.stringMatching(/^(a, b|b, a)$/), phase: 'state', step: 7 },
    });
  });

  it('names the donor when it hangs and there is no other', async () => {
    const hanging = await donor('hanging', { stallAfterBytes: 1_000_000 });
    await expect(copy([hanging], { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'COLLECTIVE_TIMEOUT',
      details: { missing: 'hanging', phase: 'state' },
    });
  });

  it('names the donor when nobody listens', async () => {
    const gone = startNode('gone');
    const endpoint = await gone.listen();
    await gone.close();
    await expect(copy([{ memberId: 'gone', ...endpoint }])).rejects.toMatchObject({
      code: 'COLLECTIVE_PEER_LOST',
      details: { memberId: 'gone' },
    });
  });

  it('ends with the signal', async () => {
    const reason = new BerthError('COLLECTIVE_ABORTED', 'a newer view has come');
    const ended = new AbortController();
    const slow = await donor('slow', { delayMs: 20 });
    const failing = copy([slow], { signal: ended.signal }).catch((error: unknown) => error);
    await delay(50);
    ended.abort(reason);
    expect(await failing).toBe(reason);
    await expect(copy([await donor('a')], { signal: ended.signal })).rejects.toBe(reason);
  });
});

describe('StateMemory', () => {
  it('is fit to be shared and unchanged by touching', async () => {
    const memory = filledMemory();
    await memory.touch();
    expect(memory.parts.map(sha256)).toEqual(expected);
    expect(memory.parts[0]?.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});
