import { decodeFrame, frameHeaderBytes, frameMagic, type FrameType } from './frame.ts';

/**
 * Changes one bit of the bytes that follow a frame's header, as tests and `berth chaos` do on the way between members.
 * @param piece - of what a member sends, from anywhere in it
 * @returns false if no frame of this type begins in the piece
 */
export function damageFrame(piece: Buffer, type: FrameType): boolean {
  for (let at = piece.indexOf(magic); at >= 0; at = piece.indexOf(magic, at + 1)) {
    const payload = at + frameHeaderBytes;
    if (payload >= piece.length || typeOf(piece.subarray(at, payload)) !== type) continue;
    piece[payload]! ^= 0x40;
    return true;
  }
  return false;
}

const magic = Buffer.alloc(4);
magic.writeUInt32LE(frameMagic);

function typeOf(bytes: Buffer): FrameType | undefined {
  try {
    return decodeFrame(bytes).type;
  } catch {
    // Numbers that look like a header's beginning.
    return undefined;
  }
}
