import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { CorpusPiece } from '@berth/contracts';
import { invalidText } from './reading.ts';

const blockBytes = 1 << 18;

/**
 * The content of a compressed file.
 * @throws BerthError DATA_CORPUS_INVALID when it is damaged, and what reading the blocks throws
 */
export async function* decompress(
  blocks: AsyncIterable<Buffer>,
  piece: CorpusPiece,
): AsyncGenerator<Buffer> {
  let failure: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* blocks;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const content = pipeline(Readable.from(watched()), createDecompress(piece), () => {});
  try {
    for await (const block of content) yield block as Buffer;
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    const reason = error instanceof Error ? error.message : String(error);
    throw invalidText(piece, `cannot be read (${reason}): replace it with an intact copy`);
  }
}

function createDecompress(piece: CorpusPiece): Transform {
  if (piece.compression === 'gzip') return zlib.createGunzip({ chunkSize: blockBytes });
  // Absent from the types of Node 20, which the project compiles against.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  throw invalidText(
    piece,
    `Node ${process.versions.node} cannot read zstd: ` +
      'use Node 22.15 or later, or compress the file with gzip',
  );
}
