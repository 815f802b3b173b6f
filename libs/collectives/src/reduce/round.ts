import { setImmediate as nextTurn } from 'node:timers/promises';
import { nothingReady, type AlignedBlock } from '@berth/contracts';
import type { ByteSink } from '../connections/byte-sink.ts';
import type { ByteSource, ReadStep } from '../connections/byte-source.ts';
import { encodeFrame, type FrameAge, type FrameHeader } from '../connections/frame.ts';
import { type DueFrames, nextFrame, requireSums } from '../connections/next-frame.ts';
import { peerLost } from '../connections/peer-lost.ts';
import type { PayloadSums } from './payload-sums.ts';
import type { Chunk, ReducePlan } from './plan.ts';
import { Progress } from './progress.ts';
import type { Readiness } from './readiness.ts';
import { type ReduceMemory, windowChunks } from './reduce-memory.ts';

/** A peer of the view and the two one-way connections with it. */
export interface PeerLink {
  readonly index: number;
  readonly memberId: string;
  readonly source: ByteSource;
  readonly sink: ByteSink;
}

export interface RoundInput {
  readonly plan: ReducePlan;
  readonly memory: ReduceMemory;
  readonly links: readonly PeerLink[];
  /** Position of this member in the view. */
  readonly self: number;
  readonly frameBase: FrameAge;
  /** What of this member's contributions is in the memory. */
  readonly readiness: Readiness;
}

/** One block's part of a chunk; `index` is the chunk's number in its slice, `position` the block's in `plan.blocks`. */
interface Contribution {
  readonly index: number;
  readonly chunk: Chunk;
  readonly position: number;
}

/** What this member waits for a peer to do; `window` waits for the others, not for it. */
type Phase = 'reduce-scatter' | 'window' | 'all-gather' | 'done';

interface RoundPeer {
  readonly link: PeerLink;
  /** Positions in `plan.blocks`. */
  readonly blocks: readonly number[];
  /** Chunks of my slice that have arrived for all of the peer's blocks. */
  readonly landed: Progress;
  /** Chunks of the peer's slice of which it has been sent all of this member's part: only of these it can have the sum. */
  numContributed: number;
  phase: Phase;
  sent: boolean;
}

/**
 * One all-reduce of what the memory holds, as three kinds of tasks that wait for each other through counts only. Per peer:
 * receive its contributions to my slice, and the sums of its own; send mine likewise. Once: sum each chunk when the contributions
 * of all have landed and mine, which may still be computed, is there. Contributions go in the plan's order, and so do sums; of the
 * two a member sends what is there, contributions first. Any other frame is an error, and a peer that is already at the next step
 * finds nobody reading until this member is there too.
 */
export class Round {
  readonly #input: RoundInput;
  readonly #peers: readonly RoundPeer[];
  readonly #myChunks: readonly Chunk[];
  readonly #wholeTree: AlignedBlock;
  /** Chunks of my slice that are summed. */
  readonly #reduced = new Progress();
  /** What the frames with them say of their bytes. */
  readonly #reducedSums: PayloadSums[] = [];
  #failure: Error | undefined;

  constructor(input: RoundInput) {
    this.#input = input;
    this.#myChunks = input.plan.chunks[input.self]!;
    const numVirtualRanks = input.plan.blocks.reduce((sum, { block }) => sum + block.length, 0);
    this.#wholeTree = { start: 0, length: numVirtualRanks };
    this.#peers = input.links.map((link) => ({
      link,
      blocks: blocksOf(input.plan, link.index),
      landed: new Progress(),
      numContributed: 0,
      phase: 'window',
      sent: false,
    }));
  }

  /** The tasks; the result is in the reduce memory once all have resolved, and its digest with it. */
  start(): Promise<void>[] {
    this.#input.memory.resetDigest();
    const perPeer = this.#peers.flatMap((peer) => [this.#receive(peer), this.#send(peer)]);
    return [this.#reduce(), ...perPeer];
  }

  /** Ends all tasks with this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    const landed = this.#peers.map((peer) => peer.landed);
    for (const awaited of [this.#input.readiness, this.#reduced, ...landed]) awaited.fail(error);
  }

  /** Who holds the round up, and in which phase: for the message of a timeout. */
  missing(): { readonly memberIds: readonly string[]; readonly phase: string } {
    for (const phase of ['reduce-scatter', 'all-gather'] as const) {
      const late = this.#peers.filter((peer) => peer.phase === phase);
      if (late.length > 0) return { memberIds: late.map(({ link }) => link.memberId), phase };
    }
    const unread = this.#peers.filter(({ sent }) => !sent);
    return { memberIds: unread.map(({ link }) => link.memberId), phase: 'sending' };
  }

  async #reduce(): Promise<void> {
    const { memory, readiness } = this.#input;
    const contributors = this.#peers.filter(({ blocks }) => blocks.length > 0);
    for (const [index, chunk] of this.#myChunks.entries()) {
      if (contributors.length === 0) await this.#yield();
      if (!readiness.has(chunk.start)) await readiness.reach(chunk.start);
      for (const { landed } of contributors) await landed.reach(index + 1);
      memory.sumChunk(index, chunk);
      const sums = memory.reducedSums(chunk);
      memory.addToDigest(sums);
      this.#reducedSums.push(sums);
      this.#reduced.advance();
    }
  }

  async #receive(peer: RoundPeer): Promise<void> {
    try {
      await peer.link.source.follow(this.#received(peer));
    } catch (error) {
      throw peerLost(peer.link.memberId, error);
    }
    peer.phase = 'done';
  }

  *#received(peer: RoundPeer): Generator<ReadStep, void> {
    const { frameBase, plan, self, readiness } = this.#input;
    const from = peer.link.index;
    const contributions = contributionsOf(plan, peer.blocks, self);
    const sums = plan.chunks[from]!;
    let [numContributions, numSums] = [0, 0];
    const due = (): DueFrames => {
      const [contribution, sum] = [contributions[numContributions], sums[numSums]];
      return {
        ...(contribution && {
          contribution: this.#contributionFrame(from, self, contribution),
        }),
        // A sum lands where this member's part of it was.
        ...(sum && numSums < peer.numContributed && { reduced: this.#reducedFrame(from, sum) }),
      };
    };
    // Until then another thread may write where contributions land.
    if (!readiness.has(nothingReady)) yield readiness.reach(nothingReady);
    while (numContributions < contributions.length || numSums < sums.length) {
      const contribution = contributions[numContributions];
      peer.phase = contribution === undefined ? 'all-gather' : 'reduce-scatter';
      const { header, sums: sent } = yield* nextFrame(due, frameBase);
      if (header.type === 'reduced') {
        yield* this.#receiveSum(sums[numSums]!, header, sent);
        numSums += 1;
      } else {
        yield* this.#receiveContribution(peer, contribution!, header, sent);
        numContributions += 1;
        if (contributions[numContributions]?.index !== contribution!.index) peer.landed.advance();
      }
    }
  }

  *#receiveContribution(
    peer: RoundPeer,
    { index, chunk, position }: Contribution,
    header: FrameHeader,
    sent: PayloadSums,
  ): Generator<ReadStep, void> {
    const { memory } = this.#input;
    const freed = index + 1 - windowChunks;
    if (this.#reduced.count < freed) {
      peer.phase = 'window';
      yield this.#reduced.reach(freed);
      peer.phase = 'reduce-scatter';
    }
    yield memory.contributionBytes(position, index, chunk);
    requireSums(memory.contributionSums(position, index, chunk), sent, header);
  }

  *#receiveSum(chunk: Chunk, header: FrameHeader, sent: PayloadSums): Generator<ReadStep, void> {
    const { memory } = this.#input;
    yield memory.reducedBytes(chunk);
    const sums = memory.reducedSums(chunk);
    requireSums(sums, sent, header);
    memory.addToDigest(sums);
  }

  async #send(peer: RoundPeer): Promise<void> {
    const { plan, self, readiness } = this.#input;
    const { index: to, sink } = peer.link;
    const contributions = contributionsOf(plan, blocksOf(plan, self), to);
    const numChunks = plan.chunks[to]!.length;
    const numSums = this.#myChunks.length;
    let [numContributions, numSumsSent] = [0, 0];
    try {
      for (;;) {
        const contribution = contributions[numContributions];
        peer.numContributed = contribution?.index ?? numChunks;
        const hasSums = numSumsSent < numSums;
        const maySum = hasSums && (plan.format !== 4 || contribution === undefined);
        if (contribution !== undefined && readiness.has(contribution.chunk.start)) {
          numContributions += 1;
          await this.#sendContribution(peer, contribution);
        } else if (maySum && this.#reduced.count > numSumsSent) {
          await this.#sendSum(peer, numSumsSent);
          numSumsSent += 1;
        } else if (contribution === undefined && !hasSums) break;
        else
          await Promise.race([
            ...(contribution === undefined ? [] : [readiness.reach(contribution.chunk.start)]),
            ...(maySum ? [this.#reduced.reach(numSumsSent + 1)] : []),
          ]);
      }
      await sink.flushed();
    } catch (error) {
      throw peerLost(peer.link.memberId, error);
    }
    peer.sent = true;
  }

  #sendContribution({ link }: RoundPeer, contribution: Contribution): Promise<void> {
    const { memory, self } = this.#input;
    const { position, index, chunk } = contribution;
    const header = this.#contributionFrame(self, link.index, contribution);
    const frame = encodeFrame(header, memory.contributionSums(position, index, chunk));
    return link.sink.write(frame, memory.contributionBytes(position, index, chunk));
  }

  #sendSum({ link }: RoundPeer, index: number): Promise<void> {
    const { memory, self } = this.#input;
    const chunk = this.#myChunks[index]!;
    const frame = encodeFrame(this.#reducedFrame(self, chunk), this.#reducedSums[index]!);
    return link.sink.write(frame, memory.reducedBytes(chunk));
  }

  #contributionFrame(
    sender: number,
    slice: number,
    { position, chunk }: Contribution,
  ): FrameHeader {
    const { block } = this.#input.plan.blocks[position]!;
    return this.#frame('contribution', sender, slice, block, chunk);
  }

  #reducedFrame(sender: number, chunk: Chunk): FrameHeader {
    return this.#frame('reduced', sender, sender, this.#wholeTree, chunk);
  }

  #frame(
    type: FrameHeader['type'],
    sender: number,
    slice: number,
    block: AlignedBlock,
    { dtype, start: offset, length }: Chunk,
  ): FrameHeader {
    const { runHash, fencingEpoch, viewVersion, step } = this.#input.frameBase;
    const { format, shape } = this.#input.plan;
    const { length: vectorLength } = shape;
    // Written out, since spreading objects shows in the time of a step.
    return {
      format,
      type,
      dtype,
      runHash,
      fencingEpoch,
      viewVersion,
      step,
      sender,
      slice,
      block,
      vectorLength,
      offset,
      length,
    };
  }

  /** Lets sockets and timers have their turn where no wait for a peer does. */
  async #yield(): Promise<void> {
    await nextTurn();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function blocksOf(plan: ReducePlan, member: number): number[] {
  return plan.blocks.flatMap(({ owner }, position) => (owner === member ? [position] : []));
}

/** What these blocks contribute to a member's slice, in the order in which it is sent. */
function contributionsOf(
  plan: ReducePlan,
  blocks: readonly number[],
  slice: number,
): Contribution[] {
  return plan.chunks[slice]!.flatMap((chunk, index) =>
    blocks.map((position) => ({ index, chunk, position })),
  );
}
