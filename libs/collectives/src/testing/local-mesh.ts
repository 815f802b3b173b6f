import {
  type AlignedBlock,
  type GradientVector,
  silentLogger,
  type View,
  type ViewMember,
} from '@berth/contracts';
import { assignBlocks, type Contribution, sumContributions } from '../reduce/blocks.ts';
import { newestFrameFormat } from '../connections/frame-format.ts';
import { ByteSource } from '../connections/byte-source.ts';
import { deriveKey, type Purpose } from '../handshake/messages.ts';
import { createPeerNode, type JoinOptions, type PeerNode } from '../peer-node.ts';
import { proveToListener } from '../handshake/dialler.ts';
import type { ReduceResult, ViewSession } from '../view-session.ts';

export const runId = 'run-a';
export const secret = 'the secret of these tests';

/** Deterministic uniform numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One vector per virtual rank: any sign and magnitude, subnormals and negative zeros among them. */
export function randomRanks(numRanks: number, length: number, seed: number): Float32Array[] {
  const random = randomNumbers(seed);
  const element = (): number => {
    const kind = random();
    if (kind < 0.05) return -0;
    const exponent = kind < 0.8 ? -3 : Math.floor(random() * 250) - 140;
    return (random() - 0.5) * 2 ** exponent;
  };
  return Array.from({ length: numRanks }, () => Float32Array.from({ length }, element));
}

/** What devices give for these blocks. */
export function contributionsOf(
  ranks: readonly Float32Array[],
  blocks: readonly AlignedBlock[],
): Contribution[] {
  return blocks.map((block) => {
    const own = ranks.slice(block.start, block.start + block.length);
    return { block, data: sumContributions(singleRanks(own)) };
  });
}

/** The sum that every member must get. */
export function expectedSum(ranks: readonly Float32Array[]): Float32Array {
  return sumContributions(singleRanks(ranks));
}

const singleRanks = (ranks: readonly Float32Array[]): Contribution[] =>
  ranks.map((data, v) => ({ block: { start: v, length: 1 }, data }));

export const bitsOf = (vector: GradientVector): Uint32Array =>
  new Uint32Array(vector.buffer, vector.byteOffset, vector.byteLength / 4);

export interface LocalMesh {
  readonly nodes: readonly PeerNode[];
  readonly view: View;
  close(): Promise<void>;
}

/** Where nobody listens. */
const nowhere = { host: '127.0.0.1', port: 1 };

/**
 * Nodes that listen on loopback, and a view of them all.
 * @param unreachable - members that nobody finds
 * @param relay - of the view
 * @param isLastOld - whether the last member is of a release that knows the oldest format of frames only
 * @param sharesMemory - whether a member does, by its place
 */
export async function startNodes(
  numMembers: number,
  numVirtualRanks: number,
  unreachable: readonly string[] = [],
  relay?: View['relay'],
  isLastOld = false,
  sharesMemory: (index: number) => boolean = () => true,
): Promise<LocalMesh> {
  const memberIds = Array.from({ length: numMembers }, (_, index) => `m${index}`);
  const blocks = assignBlocks(numVirtualRanks, memberIds);
  const nodes = memberIds.map((memberId, index) =>
    createPeerNode({
      memberId,
      host: '127.0.0.1',
      secret,
      logger: silentLogger,
      sharesMemory: sharesMemory(index),
    }),
  );
  const endpoints = await Promise.all(nodes.map((node) => node.listen()));
  const members = memberIds.map((memberId, index) => ({
    memberId,
    ...(unreachable.includes(memberId)
      ? { ...nowhere, isReachable: false as const }
      : endpoints[index]!),
    ...(!(isLastOld && index === numMembers - 1) && { frames: newestFrameFormat }),
    blocks: blocks[index]!,
  }));
  const view: View = {
    runId,
    fencingEpoch: 1,
    version: 1,
    fromStep: 0,
    members,
    ...(relay && { relay }),
    mode: 'train',
    reason: 'test',
  };
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  return { nodes, view, close };
}

/** A connection with a member on which the secret has been proven, and nothing said. */
export async function callProven(
  member: Omit<ViewMember, 'blocks'>,
  { from, purpose = 'join' }: { readonly from: string; readonly purpose?: Purpose },
): Promise<ByteSource> {
  const source = new ByteSource(member);
  await source.connected();
  const key = deriveKey(secret);
  await proveToListener(source, { key, from, to: member.memberId, purpose });
  return source;
}

export function joinAll(
  { nodes, view }: LocalMesh,
  options: Partial<JoinOptions> & Pick<JoinOptions, 'vectorLength'>,
): Promise<ViewSession[]> {
  return Promise.all(
    nodes.map((node) => node.joinView(view, { connectTimeoutMs: 10_000, ...options })),
  );
}

/** One member's part of a step. */
export function reduceRanks(
  session: ViewSession,
  member: number,
  ranks: readonly Float32Array[],
  step = 0,
  timeoutMs = 20_000,
): Promise<ReduceResult> {
  const contributions = contributionsOf(ranks, session.view.members[member]!.blocks);
  return session.allReduce({ step, contributions, timeoutMs });
}
