import type { ObjectBody } from '@berth/contracts';

export function piecesOf(body: ObjectBody): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : body;
}

export function sizeOf(body: ObjectBody): number {
  return piecesOf(body).reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The bytes from `start` to `end`, without copying them. */
export function partOf(body: ObjectBody, start: number, end: number): Uint8Array[] {
  let offset = 0;
  return piecesOf(body).flatMap((piece) => {
    const from = Math.max(0, start - offset);
    const to = Math.min(piece.byteLength, end - offset);
    offset += piece.byteLength;
    return from < to ? piece.subarray(from, to) : [];
  });
}

export function equalsBody(bytes: Uint8Array, body: ObjectBody): boolean {
  let offset = 0;
  const isEqual = piecesOf(body).every((piece) => {
    const start = offset;
    offset += piece.byteLength;
    return Buffer.compare(bytes.subarray(start, offset), piece) === 0;
  });
  return isEqual && offset === bytes.byteLength;
}
