import { damaged, damages } from './damage.ts';

/** What a frame of compressed data begins with. */
export const zstdMagic = 0xfd2fb528;

/** Whether what begins so is a frame for others, such as the sizes that pzstd writes. */
export function isSkippable(magic: number): boolean {
  return magic >>> 4 === 0x184d2a5;
}

/** The header of a frame (RFC 8878, 3.1.1.1). */
export interface FrameHeader {
  /** With the magic number, and without saying that there is a checksum. */
  readonly bytes: Buffer;
  readonly hasChecksum: boolean;
  /** Undefined where it does not say. */
  readonly contentBytes: number | undefined;
  /** How far back the data refer. */
  readonly windowBytes: number;
  /** Zero where none is needed, or it does not say which. */
  readonly dictionary: number;
}

/**
 * @param need - gives the next bytes after the magic number
 * @throws Unreadable
 */
export async function readFrameHeader(
  need: (numBytes: number) => Promise<Buffer>,
): Promise<FrameHeader> {
  const [descriptor = 0] = await need(1);
  if ((descriptor & 8) !== 0) throw damaged(damages.data);
  const isSingleSegment = (descriptor & 32) !== 0;
  const hasChecksum = (descriptor & 4) !== 0;
  const dictionaryStart = isSingleSegment ? 0 : 1;
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3]!;
  const sizeStart = dictionaryStart + dictionaryLength;
  const sizeLength = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const rest = await need(sizeStart + sizeLength);
  const size = sizeLength === 8 ? Number(rest.readBigUInt64LE(sizeStart)) : uint(rest, sizeStart, sizeLength);
  const contentBytes = sizeLength === 2 ? size + 256 : size;
  const [window = 0] = rest;
  const base = 2 ** (10 + (window >> 3));
  const start = Buffer.alloc(5);
  start.writeUInt32LE(zstdMagic);
  start[4] = descriptor & ~4;
  return {
    bytes: Buffer.concat([start, rest]),
    hasChecksum,
    contentBytes: sizeLength === 0 ? undefined : contentBytes,
    windowBytes: isSingleSegment ? contentBytes : base + (base / 8) * (window & 7),
    dictionary: uint(rest, dictionaryStart, dictionaryLength),
  };
}

function uint(bytes: Buffer, start: number, length: number): number {
  return length === 0 ? 0 : bytes.readUIntLE(start, length);
}
