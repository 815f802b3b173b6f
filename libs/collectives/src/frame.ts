import { type AlignedBlock, BerthError, sha256Hex, type Wire, wires } from '@berth/contracts';
import { chunkBytes } from './plan.ts';
import { elementBytes } from './wire.ts';

/** `contribution`: a chunk of one block's sum, to the owner of the slice. `reduced`: a chunk of the result, from it. */
export const frameTypes = ['contribution', 'reduced'] as const;
export type FrameType = (typeof frameTypes)[number];

/** What stands before every chunk on the wire. Offsets and lengths count elements. */
export interface FrameHeader {
  readonly type: FrameType;
  /** Format of the elements. */
  readonly wire: Wire;
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

export const frameHeaderBytes = 60;
const magic = 0x4252_5448;
const formatVersion = 3;

export function runHashOf(runId: string): string {
  return sha256Hex(runId).slice(0, 16);
}

/**
 * Layout, little-endian: magic u32, format u8, type u8, sender u16, run hash 8 bytes, fencing epoch u48, view version
 * u48, step u48, slice u16, block start u32, block length u32, vector length u32, offset u32, length u32,
 * wire u32.
 */
export function encodeFrame(header: FrameHeader): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt8(formatVersion, 4);
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
  bytes.writeUInt32LE(wires.indexOf(header.wire), 56);
  return bytes;
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if the bytes are no frame header that berth writes */
export function decodeFrame(bytes: Buffer): FrameHeader {
  const type = frameTypes[bytes.readUInt8(5)];
  const wire = wires[bytes.readUInt32LE(56)];
  if (bytes.readUInt32LE(0) !== magic || type === undefined || wire === undefined) {
    throw protocolError(`these bytes are no frame: ${bytes.toString('hex', 0, 8)}`);
  }
  const version = bytes.readUInt8(4);
  if (version !== formatVersion) {
    throw protocolError(
      `frame format ${version} was sent, ${formatVersion} is understood; run one berth version everywhere`,
    );
  }
  const header: FrameHeader = {
    type,
    wire,
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
  const mostElements = chunkBytes / elementBytes[wire];
  if (header.length === 0 || header.length > mostElements) {
    throw protocolError(`a frame has 1 to ${mostElements} elements, not ${header.length}`);
  }
  return header;
}

/** True for a frame of an earlier (fencing epoch, view version, step) of the run, which must change nothing. */
export function isStale(frame: FrameHeader, current: FrameHeader): boolean {
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
