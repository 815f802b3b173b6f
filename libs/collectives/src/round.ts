import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AlignedBlock, BerthError, isBerthError } from '@berth/contracts';
import type { Contribution } from './blocks.ts';
import type { ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import {
  decodeFrame,
  encodeFrame,
  frameHeaderBytes,
  type FrameHeader,
  isStale,
  requireFrame,
} from './frame.ts';
import type { ReducePlan, Span } from './plan.ts';
import { Progress } from './progress.ts';
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
  readonly frameBase: Pick<FrameHeader, 'runHash' | 'fencingEpoch' | 'viewVersion' | 'step'>;
  /** This member's, in the order of its blocks. */
  readonly contributions: readonly Contribution[];
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
 * One all-reduce, as three kinds of tasks that wait for each other through counts only. Per peer: receive its
 * contributions to my slice, then its reduced slice; send mine likewise. Once: sum each chunk when the contributions
 * of all peers have landed. The order on every connection follows from the plan, so any other frame is an error, and
 * a peer that is already at the next step finds nobody reading until this member is there too.
 */
export class Round {
  readonly #input: RoundInput;
  readonly #peers: readonly RoundPeer[];
  readonly #mySpans: readonly Span[];
  /** Chunks of my slice that are summed. */
  readonly #reduced = new Progress();
  #failure: Error | undefined;

  constructor(input: RoundInput) {
    this.#input = input;
    this.#mySpans = input.plan.chunks[input.self]!;
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
    const { memory, contributions, plan, self } = this.#input;
    const myBlocks = blocksOf(plan, self);
    const contributors = this.#peers.filter(({ blocks }) => blocks.length > 0);
    for (const [chunk, span] of this.#mySpans.entries()) {
      if (contributors.length === 0) await this.#yield();
      for (const { landed } of contributors) await landed.reach(chunk + 1);
      for (const [index, { data }] of contributions.entries()) {
        memory.slot(myBlocks[index]!, chunk, span.length).set(part(data, span));
      }
      memory.sumChunk(chunk, span);
      memory.addToDigest(span);
      this.#reduced.advance();
    }
  }

  async #receive(peer: RoundPeer): Promise<void> {
    const { memory, plan, self } = this.#input;
    for (const [chunk, span] of this.#mySpans.entries()) {
      if (peer.blocks.length === 0) break;
      peer.phase = 'window';
      await this.#reduced.reach(chunk + 1 - windowChunks);
      peer.phase = 'reduce-scatter';
      for (const block of peer.blocks) {
        const expected = this.#contributionFrame(
          peer.link.index,
          self,
          plan.blocks[block]!.block,
          span,
        );
        await this.#readFrame(peer.link, expected, memory.slot(block, chunk, span.length));
      }
      peer.landed.advance();
    }
    peer.phase = 'all-gather';
    for (const span of plan.chunks[peer.link.index]!) {
      const expected = this.#reducedFrame(peer.link.index, span);
      await this.#readFrame(peer.link, expected, memory.reduced(span));
      memory.addToDigest(span);
    }
    peer.phase = 'done';
  }

  async #send(peer: RoundPeer): Promise<void> {
    const { memory, contributions, plan, self } = this.#input;
    const { index, sink } = peer.link;
    try {
      for (const span of plan.chunks[index]!) {
        for (const { block, data } of contributions) {
          const header = this.#contributionFrame(self, index, block, span);
          await sink.write(encodeFrame(header), bytesOf(part(data, span)));
        }
      }
      for (const [chunk, span] of this.#mySpans.entries()) {
        await this.#reduced.reach(chunk + 1);
        const header = this.#reducedFrame(self, span);
        await sink.write(encodeFrame(header), bytesOf(memory.reduced(span)));
      }
      await sink.flushed();
    } catch (error) {
      throw peerLost(peer.link.memberId, error);
    }
    peer.sent = true;
  }

  /** Reads until the expected frame has filled `target`; frames of earlier steps are read and dropped. */
  async #readFrame(link: PeerLink, expected: FrameHeader, target: Float32Array): Promise<void> {
    const headerBytes = Buffer.alloc(frameHeaderBytes);
    try {
      for (;;) {
        await link.source.readInto(headerBytes);
        const header = decodeFrame(headerBytes);
        if (!isStale(header, expected)) {
          requireFrame(header, expected);
          break;
        }
        await link.source.readInto(bytesOf(new Float32Array(header.length)));
      }
      await link.source.readInto(bytesOf(target));
    } catch (error) {
      throw peerLost(link.memberId, error);
    }
  }

  #contributionFrame(sender: number, slice: number, block: AlignedBlock, span: Span): FrameHeader {
    return this.#frame({ type: 'contribution', sender, slice, block }, span);
  }

  #reducedFrame(sender: number, span: Span): FrameHeader {
    const wholeTree = { start: 0, length: this.#numVirtualRanks };
    return this.#frame({ type: 'reduced', sender, slice: sender, block: wholeTree }, span);
  }

  #frame(kind: Pick<FrameHeader, 'type' | 'sender' | 'slice' | 'block'>, span: Span): FrameHeader {
    const { frameBase, plan } = this.#input;
    const { start: offset, length } = span;
    return { ...frameBase, ...kind, vectorLength: plan.vectorLength, offset, length };
  }

  get #numVirtualRanks(): number {
    return this.#input.plan.blocks.reduce((sum, { block }) => sum + block.length, 0);
  }

  /** Lets sockets and timers have their turn where no wait for a peer does. */
  async #yield(): Promise<void> {
    await nextTurn();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** What went wrong on a peer's connection, as an error that names the peer; the session's own error stays as it is. */
export function peerLost(memberId: string, cause: unknown): BerthError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!isBerthError(cause)) {
    const message = `lost member ${memberId}: ${reason}`;
    return new BerthError('COLLECTIVE_PEER_LOST', message, { cause, details: { memberId } });
  }
  if (cause.code !== 'COLLECTIVE_PROTOCOL') return cause;
  const message = `member ${memberId} broke the protocol: ${reason}`;
  return new BerthError('COLLECTIVE_PROTOCOL', message, { cause, details: { memberId } });
}

function blocksOf(plan: ReducePlan, member: number): number[] {
  return plan.blocks.flatMap(({ owner }, position) => (owner === member ? [position] : []));
}

const part = (data: Float32Array, { start, length }: Span): Float32Array =>
  data.subarray(start, start + length);

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
