import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { CorpusPiece } from '@berth/contracts';
import { damaged, damages, foreign } from './damage.ts';
import { unbzip2 } from './unbzip2.ts';
import { unzstd } from './unzstd.ts';

type Unzip = (blocks: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array>;

/** What compressed bytes hold; iterating throws Unreadable, or what a library makes of bytes without sense. */
export const unzip: Readonly<Record<Exclude<CorpusPiece['compression'], 'none'>, Unzip>> = {
  gzip: gunzip,
  zstd: unzstd,
  bz2: unbzip2,
  xz: unxz,
};

/** The first byte of a member. */
const gzipMark = 0x1f;

async function* gunzip(blocks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let isGzip: boolean | undefined;
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const block of blocks) {
      isGzip ??= block[0] === gzipMark;
      yield block;
    }
  }
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const content = pipeline(Readable.from(watched()), createGunzip({ chunkSize: 1 << 18 }), () => {});
  try {
    for await (const block of content) yield block as Buffer;
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    if (reason === 'incorrect header check') throw foreign('gzip', isGzip === true);
    if (reason === 'unexpected end of file') throw damaged(damages.end);
    if (reason === 'incorrect data check') throw damaged(damages.checksum);
    throw reason === 'incorrect length check' ? damaged(damages.length) : error;
  }
}

async function* unxz(blocks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  const source = Readable.toWeb(Readable.from(blocks)) as ReadableStream<Uint8Array>;
  try {
    yield* new xz.XzReadableStream(source);
  } catch (error) {
    const isCode = error instanceof Error && error.message.startsWith('get_next_output');
    throw isCode || error instanceof TypeError ? damaged('its bytes make no sense as xz, or end too early') : error;
  }
}
