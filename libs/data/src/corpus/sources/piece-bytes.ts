import { setImmediate as nextTurn } from 'node:timers/promises';
import { BerthError, type CorpusPiece } from '@berth/contracts';

/** The bytes of a file or object, open for reading. */
export interface PieceBytes {
  /** Best asked for at a time. */
  readonly blockBytes: number;
  /** Exactly the bytes from `start` on and before `end`. */
  read(start: number, end: number): Promise<Buffer>;
  /** Whether it is still what was listed. */
  isUnchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** Of what may not be wanted. */
const smallBlockBytes = 1 << 16;

/**
 * All bytes of a piece from `start` on, a block at a time; the next one is on its way while one is used.
 * @param ownEnd - what comes after it may not be wanted, and is read in small blocks, one by one
 */
export async function* streamBytes(
  bytes: PieceBytes,
  { sizeBytes }: CorpusPiece,
  { start, ownEnd }: { readonly start: number; readonly ownEnd: number },
): AsyncGenerator<Buffer> {
  const readFrom = (at: number): Promise<Buffer> | undefined => {
    if (at >= sizeBytes) return undefined;
    const end = at < ownEnd ? Math.min(ownEnd, at + bytes.blockBytes) : at + smallBlockBytes;
    return bytes.read(at, Math.min(sizeBytes, end));
  };
  let next = readFrom(start);
  for (let at = start; ; ) {
    const block = await (next ?? readFrom(at));
    if (block === undefined) return;
    at += block.length;
    next = at < ownEnd ? readFrom(at) : undefined;
    // Nobody may come to wait for it.
    next?.catch(() => undefined);
    yield block;
    // A block that is there already would be taken without a turn of the event loop.
    if (next !== undefined) await nextTurn();
  }
}

/** The error for a piece that changes under its reader. */
export function changedError({ place }: CorpusPiece): BerthError {
  return new BerthError(
    'DATA_CORPUS_INVALID',
    `corpus ${place} changed while it was read: start again when nothing writes to it any more`,
    { details: { path: place } },
  );
}

/** The error for a piece that is not what was listed: others may have what was. */
export function otherError({ place }: CorpusPiece): BerthError {
  return new BerthError(
    'DATA_CORPUS_CHANGED',
    `corpus ${place} is not as it was listed: it has changed since, or is a copy with another size or time of change`,
    { details: { path: place } },
  );
}
