import { crc32 } from 'node:zlib';
import {
  type AlignedBlock,
  BerthError,
  sha256Hex,
  type AllReduceDtype,
  allReduceDtypes,
} from '@berth/contracts';
import type { PayloadSums } from '../reduce/payload-sums.ts';
import { chunkBytes } from '../reduce/plan.ts';
import { type FrameFormat, frameFormats } from './frame-format.ts';
import { elementBytes } from '../reduce/dtype.ts';

/** `contribution`: a chunk of one block's sum, to the owner of the slice. `reduced`: a chunk of the result, from it. */
export const frameTypes = ['contribution', 'reduced'] as const;
export type FrameType = (typeof frameTypes)[number];

/** What stands before every chunk on the wire, besides the sums of its bytes. Offsets and lengths count elements. */
export interface FrameHeader {
  readonly format: FrameFormat;
  readonly type: FrameType;
  /** Format of the elements. */
  readonly dtype: AllReduceDtype;
  /** First 16 hex digits of sha256(runId). */
  readonly runHash: string;
  readonly fencingEpoch: number;
  readonly viewVersion: number;
  readonly step: number;
  /** Position of the sending member in the view. */
  readonly sender: number;
  /** Position of the member that reduces this part. */
  readonly slice: number;
  /** The contribution's block; the whole tree for `reduced`. */
  readonly block: AlignedBlock;
  readonly vectorLength: number;
  readonly offset: number;
  readonly length: number;
}

/** What tells an attempt of a step from those before it. */
export type FrameAge = Pick<FrameHeader, 'runHash' | 'fencingEpoch' | 'viewVersion' | 'step'>;

const describedBytes = 60;
const checkedBytes = 68;
export const frameHeaderBytes = 72;
/** The first word of every frame. */
export const frameMagic = 0x4252_5448;

export function runHashOf(runId: string): string {
  return sha256Hex(runId).slice(0, 16);
}

/**
 * Layout, little-endian: magic u32, format u8, type u8, sender u16, run hash 8 bytes, fencing epoch u48, view version
 * u48, step u48, slice u16, block start u32, block length u32, vector length u32, offset u32, length u32,
 * dtype u32, the sums u32 u32, CRC-32 of all that u32.
 * @param sums - of the bytes that follow: a contribution's as payload-sums.ts has them, the digest of a `reduced` chunk
 */
export function encodeFrame(header: FrameHeader, [first, second]: PayloadSums): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes);
  bytes.writeUInt32LE(frameMagic, 0);
  bytes.writeUInt8(header.format, 4);
  bytes.writeUInt8(frameTypes.indexOf(header.type), 5);
  bytes.writeUInt16LE(header.sender, 6);
  bytes.writeUInt32BE(Number.parseInt(header.runHash.slice(0, 8), 16), 8);
  bytes.writeUInt32BE(Number.parseInt(header.runHash.slice(8), 16), 12);
  bytes.writeUIntLE(header.fencingEpoch, 16, 6);
  bytes.writeUIntLE(header.viewVersion, 22, 6);
  bytes.writeUIntLE(header.step, 28, 6);
  bytes.writeUInt16LE(header.slice, 34);
  bytes.writeUInt32LE(header.block.start, 36);
  bytes.writeUInt32LE(header.block.length, 40);
  bytes.writeUInt32LE(header.vectorLength, 44);
  bytes.writeUInt32LE(header.offset, 48);
  bytes.writeUInt32LE(header.length, 52);
  bytes.writeUInt32LE(allReduceDtypes.indexOf(header.dtype), 56);
  bytes.writeUInt32LE(first, describedBytes);
  bytes.writeUInt32LE(second, describedBytes + 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, checkedBytes)), checkedBytes);
  return bytes;
}

/** What a frame says of its bytes. */
export function sumsOfFrame(bytes: Buffer): PayloadSums {
  return [bytes.readUInt32LE(describedBytes), bytes.readUInt32LE(describedBytes + 4)];
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if the bytes are no frame header that berth writes, or a damaged one */
export function decodeFrame(bytes: Buffer): FrameHeader {
  if (bytes.readUInt32LE(0) !== frameMagic) throw noFrame(bytes);
  const version = bytes.readUInt8(4);
  const format = frameFormats.find((known) => known === version);
  if (format === undefined) {
    throw protocolError(
      `frame format ${version} was sent, ${frameFormats.join(' and ')} are understood; run one berth version everywhere`,
    );
  }
  if (crc32(bytes.subarray(0, checkedBytes)) !== bytes.readUInt32LE(checkedBytes)) {
    throw protocolError(
      'a frame header was damaged on the way: it does not have the CRC sent with it',
    );
  }
  const type = frameTypeOf(bytes);
  const dtype = allReduceDtypes[bytes.readUInt32LE(56)];
  if (type === undefined || dtype === undefined) throw noFrame(bytes);
  const header: FrameHeader = {
    format,
    type,
    dtype,
    sender: bytes.readUInt16LE(6),
    runHash: bytes.toString('hex', 8, 16),
    fencingEpoch: bytes.readUIntLE(16, 6),
    viewVersion: bytes.readUIntLE(22, 6),
    step: bytes.readUIntLE(28, 6),
    slice: bytes.readUInt16LE(34),
    block: { start: bytes.readUInt32LE(36), length: bytes.readUInt32LE(40) },
    vectorLength: bytes.readUInt32LE(44),
    offset: bytes.readUInt32LE(48),
    length: bytes.readUInt32LE(52),
  };
  const mostElements = chunkBytes / elementBytes[dtype];
  if (header.length === 0 || header.length > mostElements) {
    throw protocolError(`a frame has 1 to ${mostElements} elements, not ${header.length}`);
  }
  return header;
}

function noFrame(bytes: Buffer): BerthError {
  return protocolError(`these bytes are no frame: ${bytes.toString('hex', 0, 8)}`);
}

/** What a header says of its type; undefined if that is none. */
export function frameTypeOf(bytes: Buffer): FrameType | undefined {
  return frameTypes[bytes.readUInt8(5)];
}

/** True for a frame of an earlier (fencing epoch, view version, step) of the run, which must change nothing. */
export function isStale(frame: FrameHeader, current: FrameAge): boolean {
  if (frame.runHash !== current.runHash) return false;
  const age =
    frame.fencingEpoch - current.fencingEpoch ||
    frame.viewVersion - current.viewVersion ||
    frame.step - current.step;
  return age < 0;
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` naming the first field that differs */
export function requireFrame(frame: FrameHeader, expected: FrameHeader): void {
  for (const field of Object.keys(expected) as (keyof FrameHeader)[]) {
    const [got, wanted] = [JSON.stringify(frame[field]), JSON.stringify(expected[field])];
    if (got !== wanted) throw protocolError(`a frame has ${field} ${got} where ${wanted} is due`);
  }
}

export function protocolError(message: string): BerthError {
  return new BerthError('COLLECTIVE_PROTOCOL', message);
}
