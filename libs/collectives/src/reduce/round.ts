import { setImmediate as nextTurn } from 'node:timers/promises';
import { nothingReady } from '@berth/contracts';
import type { ByteSink } from '../connections/byte-sink.ts';
import type { ByteSource, ReadStep } from '../connections/byte-source.ts';
import { encodeControl } from '../connections/control.ts';
import { encodeFrame, type FrameAge, type FrameHeader } from '../connections/frame.ts';
import { type DueFrames, nextFrame, requireSums } from '../connections/next-frame.ts';
import { peerLost } from '../connections/peer-lost.ts';
import type { MemoryPact } from '../connections/memory-pact.ts';
import type { PeerMemory } from '../native/peer-memory.ts';
import { areSameSums, type PayloadSums } from './payload-sums.ts';
import type { Chunk, ReducePlan } from './plan.ts';
import { Progress } from './progress.ts';
import type { Readiness } from './readiness.ts';
import { type ReduceMemory, windowChunks } from './reduce-memory.ts';
import { blocksOf, type Contribution, contributionsOf, RoundFrames } from './round-frames.ts';

/** A peer of the view and the two one-way connections with it. */
export interface PeerLink {
  readonly index: number;
  readonly memberId: string;
  readonly source: ByteSource;
  readonly sink: ByteSink;
  /** Who of the two reads what the other has in its memory. */
  readonly pact: Pick<MemoryPact, 'memory' | 'taken'>;
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

/** What this member waits for a peer to do; `window` waits for the others, not for it. */
type Phase = 'reduce-scatter' | 'window' | 'all-gather' | 'done';

/** Of the event loop: to read what has come, in whichever phase it is. */
const turnsToHear = 3;

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
 *
 * What a peer of this machine has is read in its memory when it is summed or taken, in one pass with the check that it is what the frame
 * says. A member's memory holds still until all have taken its sums: of what it contributes, because its owner's sum comes after.
 */
export class Round {
  readonly #input: RoundInput;
  readonly #peers: readonly RoundPeer[];
  readonly #myChunks: readonly Chunk[];
  readonly #frames: RoundFrames;
  /** Chunks of my slice that are summed. */
  readonly #reduced = new Progress();
  /** What the frames with them say of their bytes. */
  readonly #reducedSums: PayloadSums[] = [];
  /** What frames without bytes have said of them: by position of the block, then by chunk of my slice. */
  readonly #contributedSums: PayloadSums[][];
  readonly #memories: readonly (PeerMemory | undefined)[];
  #failure: Error | undefined;

  constructor(input: RoundInput) {
    this.#input = input;
    this.#myChunks = input.plan.chunks[input.self]!;
    this.#frames = new RoundFrames(input.plan, input.frameBase);
    this.#contributedSums = input.plan.blocks.map(() => []);
    const memories = new Map(input.links.map(({ index, pact }) => [index, pact.memory]));
    this.#memories = input.plan.chunks.map((_, member) => memories.get(member));
    this.#peers = input.links.map((link) => ({
      link,
      blocks: blocksOf(input.plan, link.index),
      landed: new Progress(),
      numContributed: 0,
      phase: 'window',
      sent: false,
    }));
  }

  get step(): number {
    return this.#input.frameBase.step;
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
      // Where contributions are not read from sockets, nothing else lets those have their turn.
      if (!contributors.some(({ link }) => link.pact.memory === undefined)) await this.#yield();
      if (!readiness.has(chunk.start)) await readiness.reach(chunk.start);
      for (const { landed } of contributors) await landed.reach(index + 1);
      const { digest, ofPeers } = memory.sumChunk(index, chunk, (member) => this.#memories[member]);
      for (const [position, got] of ofPeers.entries())
        if (got !== undefined) await this.#requireContributed(position, index, chunk, got);
      memory.addToDigest(digest);
      this.#reducedSums.push(digest);
      this.#reduced.advance();
    }
  }

  /** Compares what was read from a peer's memory and added with what the frame has said of it. */
  async #requireContributed(
    position: number,
    index: number,
    { start: offset }: Chunk,
    got: PayloadSums,
  ): Promise<void> {
    const sent = this.#contributedSums[position]![index]!;
    if (areSameSums(got, sent)) return;
    await this.#hearWhoLeft();
    const { owner } = this.#input.plan.blocks[position]!;
    const { memberId } = this.#peers.find(({ link }) => link.index === owner)!.link;
    try {
      requireSums(got, sent, { type: 'contribution', step: this.step, offset });
    } catch (error) {
      throw peerLost(memberId, error);
    }
  }

  /** A member that gives a view up says so, and may then write to its memory: what has come from it until now is heard. */
  async #hearWhoLeft(): Promise<void> {
    for (let turn = 0; turn < turnsToHear; turn += 1) await this.#yield();
  }

  async #receive(peer: RoundPeer): Promise<void> {
    const { source, pact } = peer.link;
    try {
      await source.follow(this.#received(peer));
      const hasSums = this.#input.plan.chunks[peer.link.index]!.length > 0;
      if (pact.memory !== undefined && hasSums)
        source.socket.write(encodeControl({ kind: 'taken', step: this.step }));
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
    const hasBytes = peer.link.pact.memory === undefined;
    let [numContributions, numSums] = [0, 0];
    const due = (): DueFrames => {
      const [contribution, sum] = [contributions[numContributions], sums[numSums]];
      return {
        ...(contribution && {
          contribution: this.#frames.contribution(from, self, contribution),
        }),
        // A sum lands where this member's part of it was.
        ...(sum && numSums < peer.numContributed && { reduced: this.#frames.reduced(from, sum) }),
      };
    };
    // Until then another thread may write where contributions land.
    if (!readiness.has(nothingReady)) yield readiness.reach(nothingReady);
    while (numContributions < contributions.length || numSums < sums.length) {
      const contribution = contributions[numContributions];
      peer.phase = contribution === undefined ? 'all-gather' : 'reduce-scatter';
      const { header, sums: sent } = yield* nextFrame(due, frameBase, hasBytes);
      if (header.type === 'reduced') {
        yield* this.#receiveSum(peer, sums[numSums]!, header, sent);
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
    if (peer.link.pact.memory !== undefined) {
      this.#contributedSums[position]![index] = sent;
      return;
    }
    const freed = index + 1 - windowChunks;
    if (this.#reduced.count < freed) {
      peer.phase = 'window';
      yield this.#reduced.reach(freed);
      peer.phase = 'reduce-scatter';
    }
    yield memory.contributionBytes(position, index, chunk);
    requireSums(memory.contributionSums(position, index, chunk), sent, header);
  }

  *#receiveSum(
    { link }: RoundPeer,
    chunk: Chunk,
    header: FrameHeader,
    sent: PayloadSums,
  ): Generator<ReadStep, void> {
    const { memory } = this.#input;
    let sums: PayloadSums;
    if (link.pact.memory === undefined) {
      yield memory.reducedBytes(chunk);
      sums = memory.reducedSums(chunk);
    } else {
      sums = memory.takeSum(chunk, link.pact.memory);
      if (!areSameSums(sums, sent)) yield this.#hearWhoLeft();
    }
    requireSums(sums, sent, header);
    memory.addToDigest(sums);
  }

  async #send(peer: RoundPeer): Promise<void> {
    const { plan, self, readiness } = this.#input;
    const { index: to, sink, pact } = peer.link;
    const dueTaken = (pact.taken?.count ?? 0) + 1;
    const contributions = contributionsOf(plan, blocksOf(plan, self), to);
    const numChunks = plan.chunks[to]!.length;
    const numSums = this.#myChunks.length;
    let [numContributions, numSumsSent] = [0, 0];
    peer.numContributed = contributions[0]?.index ?? numChunks;
    try {
      for (;;) {
        const contribution = contributions[numContributions];
        const hasSums = numSumsSent < numSums;
        const maySum = hasSums && (plan.format !== 4 || contribution === undefined);
        if (contribution !== undefined && readiness.has(contribution.chunk.start)) {
          const sent = this.#sendContribution(peer, contribution);
          numContributions += 1;
          peer.numContributed = contributions[numContributions]?.index ?? numChunks;
          await sent;
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
      if (numSums > 0) await pact.taken?.reach(dueTaken);
    } catch (error) {
      throw peerLost(peer.link.memberId, error);
    }
    peer.sent = true;
  }

  async #sendContribution({ link }: RoundPeer, contribution: Contribution): Promise<void> {
    const { memory, self } = this.#input;
    const { position, index, chunk } = contribution;
    const header = this.#frames.contribution(self, link.index, contribution);
    const frame = encodeFrame(header, memory.contributionSums(position, index, chunk));
    if (link.pact.taken === undefined)
      return link.sink.write(frame, memory.contributionBytes(position, index, chunk));
    await link.sink.write(frame);
    await this.#yield();
  }

  #sendSum({ link }: RoundPeer, index: number): Promise<void> {
    const { memory, self } = this.#input;
    const chunk = this.#myChunks[index]!;
    const frame = encodeFrame(this.#frames.reduced(self, chunk), this.#reducedSums[index]!);
    if (link.pact.taken !== undefined) return link.sink.write(frame);
    return link.sink.write(frame, memory.reducedBytes(chunk));
  }

  /** Lets sockets and timers have their turn where no wait for a peer does. */
  async #yield(): Promise<void> {
    await nextTurn();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
