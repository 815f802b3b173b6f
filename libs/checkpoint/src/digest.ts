import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { addStateToDigest, digestHex, type ObjectBody, type StateVectors } from '@berth/contracts';
import { piecesOf } from './object-body.ts';

const chunkBytes = 16 << 20;
const chunkElements = 1 << 20;

/** Lower-case hex SHA-256, made in turns: a gigabyte at once would hold up heartbeats for half a second. */
export async function sha256InTurns(body: ObjectBody): Promise<string> {
  const hash = createHash('sha256');
  let numHashed = 0;
  for (const piece of piecesOf(body)) {
    for (let start = 0; start < piece.byteLength; start += chunkBytes) {
      const chunk = piece.subarray(start, start + chunkBytes);
      hash.update(chunk);
      numHashed += chunk.byteLength;
      if (numHashed < chunkBytes) continue;
      numHashed = 0;
      await nextTurn();
    }
  }
  return hash.digest('hex');
}

/** SHA-256 of all weights as little-endian fp32 in layout order: the identity of a model state. */
export function weightsDigest(weights: Float32Array): Promise<string> {
  return sha256InTurns(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
}

/** `stateDigest` of all of a state, made in turns. */
export async function stateDigestInTurns(state: StateVectors): Promise<string> {
  const { length } = state.weights;
  const sums = new Uint32Array(2);
  for (let start = 0; start < length; start += chunkElements) {
    addStateToDigest(sums, state, { start, end: Math.min(length, start + chunkElements) });
    await nextTurn();
  }
  return digestHex(sums);
}
