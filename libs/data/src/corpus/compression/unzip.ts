import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { CorpusPiece } from '@berth/contracts';
import { unbzip2 } from './unbzip2.ts';

type Unzip = (blocks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** What compressed bytes hold; iterating throws what is wrong with them. */
export const unzip: Readonly<Record<Exclude<CorpusPiece['compression'], 'none'>, Unzip>> = {
  gzip: (blocks) => through(blocks, zlib.createGunzip({ chunkSize: 1 << 18 })),
  // Absent from the types of Node 20, which the project compiles against, and from Node before 22.15.
  zstd(blocks) {
    const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
    return createZstdDecompress === undefined
      ? unzstd(blocks)
      : through(blocks, createZstdDecompress());
  },
  bz2: unbzip2,
  xz: unxz,
};

/** Bytes through a stream of Node's. */
function through(blocks: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  // The callback takes the place of an error event; the error itself reaches whoever iterates.
  return pipeline(Readable.from(blocks), transform, () => {});
}

async function* unzstd(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let ready: Uint8Array[] = [];
  const stream = new Decompress((bytes) => void ready.push(bytes));
  const taken = (): Uint8Array[] => {
    const all = ready;
    ready = [];
    return all;
  };
  for await (const block of blocks) {
    stream.push(block);
    yield* taken();
  }
  stream.push(new Uint8Array(), true);
  yield* taken();
}

async function* unxz(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  const source = Readable.toWeb(Readable.from(blocks)) as ReadableStream<Uint8Array>;
  try {
    yield* new xz.XzReadableStream(source);
  } catch (error) {
    const isCode = error instanceof Error && error.message.startsWith('get_next_output');
    throw isCode || error instanceof TypeError ? new Error('damaged, or it ends too early') : error;
  }
}
