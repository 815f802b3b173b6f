import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AlignedBlock } from '@berth/contracts';
import type { ByteSink } from '../connections/byte-sink.ts';
import type { ByteSource, ReadStep } from '../connections/byte-source.ts';
import {
  decodeFrame,
  encodeFrame,
  frameHeaderBytes,
  type FrameHeader,
  isStale,
  protocolError,
  requireFrame,
  sumsOfFrame,
} from '../connections/frame.ts';
import { peerLost } from '../connections/peer-lost.ts';
import { areSameSums, type PayloadSums } from './payload-sums.ts';
import type { Chunk, ReducePlan } from './plan.ts';
import { Progress } from './progress.ts';
import { type ReduceMemory, windowChunks } from './reduce-memory.ts';
import { elementBytes } from './dtype.ts';

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
  readonly frameBase: Pick<FrameHeader, 'runHash' | 'fencingEpoch' | 'viewVersion' | 'step'>;
}

/** What this member waits for a peer to do; `window` waits for the others, not for it. */
type Phase = 'reduce-scatter' | 'window' | 'all-gather' | 'done';

interface RoundPeer {
  readonly link: PeerLink;
  /** Positions in `plan.blocks`. */
  readonly blocks: readonly number[];
  /** Chunks of my slice that have arrived for all of the peer's blocks. */
  readonly landed: Progress;
  phase: Phase;
  sent: boolean;
}

/**
 * One all-reduce of what the memory holds, as three kinds of tasks that wait for each other through counts only. Per peer:
 * receive its contributions to my slice, then its reduced slice; send mine likewise. Once: sum each chunk when the
 * contributions of all peers have landed. The order on every connection follows from the plan, so any other frame is an error, and
 * a peer that is already at the next step finds nobody reading until this member is there too.
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
    for (const progress of [this.#reduced, ...this.#peers.map(({ landed }) => landed)]) {
      progress.fail(error);
    }
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
    const { memory } = this.#input;
    const contributors = this.#peers.filter(({ blocks }) => blocks.length > 0);
    for (const [index, chunk] of this.#myChunks.entries()) {
      if (contributors.length === 0) await this.#yield();
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
    const { memory, plan, self } = this.#input;
    const from = peer.link.index;
    for (const [index, chunk] of this.#myChunks.entries()) {
      if (peer.blocks.length === 0) break;
      peer.phase = 'window';
      const freed = index + 1 - windowChunks;
      if (this.#reduced.count < freed) yield this.#reduced.reach(freed);
      peer.phase = 'reduce-scatter';
      for (const position of peer.blocks) {
        const expected = this.#contributionFrame(from, self, position, chunk);
        const sent = yield* frameInto(memory.contributionBytes(position, index, chunk), expected);
        requireSums(memory.contributionSums(position, index, chunk), sent, expected);
      }
      peer.landed.advance();
    }
    peer.phase = 'all-gather';
    for (const chunk of plan.chunks[from]!) {
      const expected = this.#reducedFrame(from, chunk);
      const sent = yield* frameInto(memory.reducedBytes(chunk), expected);
      const sums = memory.reducedSums(chunk);
      requireSums(sums, sent, expected);
      memory.addToDigest(sums);
    }
  }

  async #send(peer: RoundPeer): Promise<void> {
    const { memory, plan, self } = this.#input;
    const { index: to, sink } = peer.link;
    const myBlocks = blocksOf(plan, self);
    try {
      for (const [index, chunk] of plan.chunks[to]!.entries()) {
        for (const position of myBlocks) {
          const header = this.#contributionFrame(self, to, position, chunk);
          const frame = encodeFrame(header, memory.contributionSums(position, index, chunk));
          await sink.write(frame, memory.contributionBytes(position, index, chunk));
        }
      }
      for (const [index, chunk] of this.#myChunks.entries()) {
        await this.#reduced.reach(index + 1);
        const frame = encodeFrame(this.#reducedFrame(self, chunk), this.#reducedSums[index]!);
        await sink.write(frame, memory.reducedBytes(chunk));
      }
      await sink.flushed();
    } catch (error) {
      throw peerLost(peer.link.memberId, error);
    }
    peer.sent = true;
  }

  #contributionFrame(sender: number, slice: number, position: number, chunk: Chunk): FrameHeader {
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
    const vectorLength = this.#input.plan.shape.length;
    // Written out, since spreading objects shows in the time of a step.
    return {
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

/**
 * Reads until the expected frame has filled `target`; frames of earlier steps are read and dropped.
 * @returns what the frame says of the bytes that are now there
 */
function* frameInto(target: Uint8Array, expected: FrameHeader): Generator<Uint8Array, PayloadSums> {
  const bytes = Buffer.alloc(frameHeaderBytes);
  for (;;) {
    yield bytes;
    const sums = sumsOfFrame(bytes);
    if (bytes.equals(encodeFrame(expected, sums))) {
      yield target;
      return sums;
    }
    const header = decodeFrame(bytes);
    if (!isStale(header, expected)) requireFrame(header, expected);
    yield new Uint8Array(header.length * elementBytes[header.dtype]);
  }
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if what has arrived is not what was sent */
function requireSums(
  got: PayloadSums,
  sent: PayloadSums,
  { type, step, offset }: FrameHeader,
): void {
  if (areSameSums(got, sent)) return;
  throw protocolError(
    `the bytes of a frame were damaged on the way (${type}, step ${step}, chunk at element ${offset})`,
  );
}

function blocksOf(plan: ReducePlan, member: number): number[] {
  return plan.blocks.flatMap(({ owner }, position) => (owner === member ? [position] : []));
}
