import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { CorpusPiece } from '@berth/contracts';
import { createByteTaker } from '../byte-taker.ts';
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
const xzMark = Buffer.from('fd377a585a00', 'hex');

/** Hands compressed bytes on, so many at a time: where damage shows is not to depend on the blocks that they come in. */
async function* inSteps(blocks: AsyncIterable<Buffer>, stepBytes: number): AsyncGenerator<Buffer> {
  for await (const block of blocks)
    for (let at = 0; at < block.length; at += stepBytes) yield block.subarray(at, at + stepBytes);
}

async function* gunzip(blocks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let isGzip: boolean | undefined;
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const step of inSteps(blocks, 1 << 16)) {
      isGzip ??= step[0] === gzipMark;
      yield step;
    }
  }
  const decoder = createGunzip({ chunkSize: 1 << 18 });
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const content = pipeline(Readable.from(watched()), decoder, () => {});
  try {
    for await (const block of content) yield block as Buffer;
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    const byte = decoder.bytesWritten;
    if (reason === 'incorrect header check') throw foreign('gzip', isGzip === true, byte);
    if (reason === 'unexpected end of file') throw damaged(damages.end, byte);
    if (reason === 'incorrect data check') throw damaged(damages.checksum, byte);
    if (reason === 'incorrect length check') throw damaged(damages.length, byte);
    throw hasZlibCode(error) ? damaged(damages.data, byte) : error;
  }
}

async function* unxz(blocks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import('xz-decompress');
  const taker = createByteTaker(blocks);
  const mark = await taker.take(xzMark.length);
  if (mark === undefined) throw damaged(damages.end);
  if (!mark.equals(xzMark)) throw foreign('xz', false);
  let [numBefore, numBytes] = [0, 0];
  const all = taker.rest(mark);
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const step of inSteps(all, 1 << 12)) {
      [numBefore, numBytes] = [numBytes, numBytes + step.length];
      yield step;
    }
  }
  // Nothing is read ahead, so that what was taken tells where damage is.
  const steps = watched();
  const source = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await steps.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  try {
    yield* new xz.XzReadableStream(source);
  } catch (error) {
    const isCode = error instanceof Error && error.message.startsWith('get_next_output');
    if (!isCode && !(error instanceof TypeError)) throw error;
    throw damaged('its bytes make no sense as xz, or end too early', numBefore);
  }
}

/** Whether an error is of the library about bytes. */
function hasZlibCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
