import { createHash } from 'node:crypto';

/**
 * Whether a document belongs to the held-out part: a pure function of its key (a stable id or index), the seed and
 * the share, so adding documents never moves others. A small corpus may come out with an empty part.
 */
export function isHeldOut(documentKey: string | number, seed: number, heldOutRatio: number): boolean {
  const digest = createHash('sha256').update(`hold-out\n${seed}\n${documentKey}`).digest();
  return digest.readUInt32BE(0) < heldOutRatio * 2 ** 32;
}
