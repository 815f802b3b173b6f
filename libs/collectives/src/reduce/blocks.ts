import { BerthError, roundToBf16, type AlignedBlock, type AllReduceDtype } from '@berth/contracts';
import { addNodes } from './dtype.ts';

/** One addition of the canonical tree: the sum at `left` becomes `left + right`. Positions count blocks in order of start. */
export interface Addition {
  readonly left: number;
  readonly right: number;
}

/** A flat vector that is the sum over one aligned block of virtual ranks. */
export interface Contribution {
  readonly block: AlignedBlock;
  readonly data: Float32Array;
}

/**
 * Gives member i of N the virtual ranks [ceil(iV/N), ceil((i+1)V/N)), cut into the fewest aligned blocks.
 * Shares differ by at most one rank: computing outweighs the wire, so an even split in more blocks (6/5/5 of 16)
 * beats whole subtrees (8/4/4). With more members than ranks some get no block; they still reduce a slice.
 * @param memberIds - sorted by id, so that everyone computes the same assignment
 * @returns the blocks of each member, in the order of `memberIds`
 * @throws BerthError `CONFIG_INVALID` if `numVirtualRanks` is no power of two or there is no member
 */
export function assignBlocks(
  numVirtualRanks: number,
  memberIds: readonly string[],
): AlignedBlock[][] {
  if (!isPowerOfTwo(numVirtualRanks)) {
    throw invalid(`train.virtualRanks is ${numVirtualRanks}; use a power of two, such as 8 or 16`);
  }
  if (memberIds.length === 0) throw invalid('a view needs at least one member to assign blocks to');
  const boundary = (index: number): number =>
    Math.ceil((index * numVirtualRanks) / memberIds.length);
  return memberIds.map((_, index) => alignedBlocks(boundary(index), boundary(index + 1)));
}

/** Cuts [start, end) into the fewest aligned blocks, in order. */
export function alignedBlocks(start: number, end: number): AlignedBlock[] {
  const blocks: AlignedBlock[] = [];
  for (let at = start; at < end;) {
    let length = 1;
    while (at % (2 * length) === 0 && at + 2 * length <= end) length *= 2;
    blocks.push({ start: at, length });
    at += length;
  }
  return blocks;
}

/**
 * The additions that sum aligned blocks in the binary tree over virtual ranks, where sum(node) = sum(left half) +
 * sum(right half). Carried out in order they leave the total at position 0. A block is a finished node, so the bits
 * of the total do not depend on how the ranks are cut into blocks.
 * @param blocks - in order of start
 * @throws BerthError `CONFIG_INVALID` if the blocks do not tile [0, V) for a power of two V
 */
export function canonicalAdditions(blocks: readonly AlignedBlock[]): Addition[] {
  const additions: Addition[] = [];
  let position = 0;
  const sumNode = (start: number, length: number): number => {
    const block = blocks[position];
    if (block?.start === start && block.length === length) return position++;
    if (block?.start !== start || block.length > length || length === 1) {
      throw invalid(`virtual ranks from ${start} on are not covered by aligned blocks, each once`);
    }
    const left = sumNode(start, length / 2);
    const right = sumNode(start + length / 2, length / 2);
    additions.push({ left, right });
    return left;
  };
  const numVirtualRanks = blocks.reduce((total, block) => total + block.length, 0);
  if (!isPowerOfTwo(numVirtualRanks)) {
    throw invalid(`the blocks cover ${numVirtualRanks} virtual ranks; a power of two is needed`);
  }
  sumNode(0, numVirtualRanks);
  return additions;
}

/**
 * The canonical sum in plain JavaScript: the definition that the all-reduce reproduces to the bit.
 * @param numExact - elements at the end that are fp32 whatever the dtype
 * @throws BerthError `CONFIG_INVALID` if the blocks do not tile [0, V) for a power of two V
 */
export function sumContributions(
  contributions: readonly Contribution[],
  {
    dtype = 'fp32',
    numExact = 0,
  }: { readonly dtype?: AllReduceDtype; readonly numExact?: number } = {},
): Float32Array {
  const ordered = [...contributions].sort((a, b) => a.block.start - b.block.start);
  const dtypeAt = (index: number, length: number): AllReduceDtype =>
    index < length - numExact ? dtype : 'fp32';
  const sums = ordered.map(({ data }) =>
    data.map((value, i) => (dtypeAt(i, data.length) === 'bf16' ? roundToBf16(value) : value)),
  );
  for (const { left, right } of canonicalAdditions(ordered.map(({ block }) => block))) {
    const [leftSum, rightSum] = [sums[left]!, sums[right]!];
    for (let i = 0; i < leftSum.length; i += 1)
      leftSum[i] = addNodes(dtypeAt(i, leftSum.length), leftSum[i]!, rightSum[i]!);
  }
  return sums[0]!;
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && Number.isInteger(Math.log2(value));
}

function invalid(message: string): BerthError {
  return new BerthError('CONFIG_INVALID', message);
}
