import type { AlignedBlock } from '@berth/contracts';
import type { FrameAge, FrameHeader } from '../connections/frame.ts';
import type { Chunk, ReducePlan } from './plan.ts';

/** One block's part of a chunk; `index` is the chunk's number in its slice, `position` the block's in `plan.blocks`. */
export interface Contribution {
  readonly index: number;
  readonly chunk: Chunk;
  readonly position: number;
}

/** The headers of one all-reduce. */
export class RoundFrames {
  readonly #plan: ReducePlan;
  readonly #age: FrameAge;
  readonly #wholeTree: AlignedBlock;

  constructor(plan: ReducePlan, age: FrameAge) {
    this.#plan = plan;
    this.#age = age;
    const numVirtualRanks = plan.blocks.reduce((sum, { block }) => sum + block.length, 0);
    this.#wholeTree = { start: 0, length: numVirtualRanks };
  }

  contribution(sender: number, slice: number, { position, chunk }: Contribution): FrameHeader {
    const { block } = this.#plan.blocks[position]!;
    return this.#frame('contribution', sender, slice, block, chunk);
  }

  reduced(sender: number, chunk: Chunk): FrameHeader {
    return this.#frame('reduced', sender, sender, this.#wholeTree, chunk);
  }

  #frame(
    type: FrameHeader['type'],
    sender: number,
    slice: number,
    block: AlignedBlock,
    { dtype, start: offset, length }: Chunk,
  ): FrameHeader {
    const { runHash, fencingEpoch, viewVersion, step } = this.#age;
    const { format, shape } = this.#plan;
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
}

export function blocksOf(plan: ReducePlan, member: number): number[] {
  return plan.blocks.flatMap(({ owner }, position) => (owner === member ? [position] : []));
}

/** What these blocks contribute to a member's slice, in the order in which it is sent. */
export function contributionsOf(
  plan: ReducePlan,
  blocks: readonly number[],
  slice: number,
): Contribution[] {
  return plan.chunks[slice]!.flatMap((chunk, index) =>
    blocks.map((position) => ({ index, chunk, position })),
  );
}
