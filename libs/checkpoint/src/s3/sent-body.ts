import { Readable } from 'node:stream';
import type { ObjectBody } from '@berth/contracts';
import { piecesOf } from '../object-body.ts';

/** A body goes on its way in slices of so many bytes, and each that is taken is a sign of life. */
const sliceBytes = 2 ** 20;

/**
 * What the SDK sends of it: a stream, unless it is small.
 * @param progressed - called whenever another mebibyte has been taken
 */
export function sentBody(body: ObjectBody, progressed: () => void): Uint8Array | Readable {
  const pieces = piecesOf(body);
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1 && only.byteLength <= sliceBytes) return only;
  return Readable.from(slicesOf(pieces, progressed), {
    objectMode: false,
    highWaterMark: sliceBytes,
  });
}

function* slicesOf(
  pieces: readonly Uint8Array[],
  progressed: () => void,
): Generator<Uint8Array, void> {
  let numTaken = 0;
  for (const piece of pieces) {
    for (let start = 0; start < piece.byteLength; start += sliceBytes) {
      const slice = piece.subarray(start, start + sliceBytes);
      yield slice;
      numTaken += slice.byteLength;
      if (numTaken < sliceBytes) continue;
      numTaken = 0;
      progressed();
    }
  }
}
