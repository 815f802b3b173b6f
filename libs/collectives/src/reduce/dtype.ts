import { roundToBf16, type AllReduceDtype } from '@berth/contracts';
import { addFlushed } from './add-flushed.ts';

export const elementBytes: Readonly<Record<AllReduceDtype, number>> = { fp32: 4, bf16: 2 };

/** An inner node of the canonical tree, from the nodes below it. */
export function addNodes(dtype: AllReduceDtype, left: number, right: number): number {
  const sum = addFlushed(left, right);
  return dtype === 'bf16' ? roundToBf16(sum) : sum;
}
