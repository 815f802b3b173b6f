import { elementBytes } from '../reduce/dtype.ts';
import { areSameSums, type PayloadSums } from '../reduce/payload-sums.ts';
import {
  decodeFrame,
  encodeFrame,
  type FrameAge,
  frameHeaderBytes,
  type FrameHeader,
  type FrameType,
  frameTypeOf,
  isStale,
  protocolError,
  requireFrame,
  sumsOfFrame,
} from './frame.ts';

/** The frames that may come next from a peer: at most one of each type. */
export type DueFrames = Readonly<Partial<Record<FrameType, FrameHeader>>>;

/**
 * Reads the header of the next frame; frames of earlier steps are read and dropped.
 * @param due - what it may be, asked when it is there
 * @param hasBytes - whether bytes follow headers, rather than lie in the sender's memory
 * @returns the header, and what it says of the bytes that belong to it
 */
export function* nextFrame(
  due: () => DueFrames,
  current: FrameAge,
  hasBytes: boolean,
): Generator<Uint8Array, { readonly header: FrameHeader; readonly sums: PayloadSums }> {
  const bytes = Buffer.alloc(frameHeaderBytes);
  for (;;) {
    yield bytes;
    const sums = sumsOfFrame(bytes);
    const { contribution, reduced } = due();
    const expected =
      frameTypeOf(bytes) === 'reduced' ? (reduced ?? contribution) : (contribution ?? reduced);
    if (expected !== undefined && bytes.equals(encodeFrame(expected, sums)))
      return { header: expected, sums };
    const header = decodeFrame(bytes);
    if (!isStale(header, current)) {
      if (expected === undefined)
        throw protocolError('a sum was sent before this member has given its part of it');
      requireFrame(header, expected);
    }
    if (hasBytes) yield new Uint8Array(header.length * elementBytes[header.dtype]);
  }
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if what has arrived is not what was sent */
export function requireSums(
  got: PayloadSums,
  sent: PayloadSums,
  { type, step, offset }: Pick<FrameHeader, 'type' | 'step' | 'offset'>,
): void {
  if (areSameSums(got, sent)) return;
  throw protocolError(
    `the bytes of a frame were damaged on the way (${type}, step ${step}, chunk at element ${offset})`,
  );
}
