import { roundToBf16, type Wire } from '@berth/contracts';
import { addFlushed } from './add-flushed.ts';

export const elementBytes: Readonly<Record<Wire, number>> = { fp32: 4, bf16: 2 };

/** An inner node of the canonical tree, from the nodes below it. */
export function addNodes(wire: Wire, left: number, right: number): number {
  const sum = addFlushed(left, right);
  return wire === 'bf16' ? roundToBf16(sum) : sum;
}
