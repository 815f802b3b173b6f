import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { BerthError, isBerthError } from '@berth/contracts';
import { toCorpusError, type CorpusFile } from './corpus-files.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** A longer line or document is an error; so it bounds what a reader holds. */
  readonly maxDocumentBytes: number;
}

const lineFeed = 0x0a;
const readBytes = 1 << 18;

/**
 * The lines of a corpus file, decompressed, without line feeds; lines end at LF alone. A byte order mark is dropped.
 *
 * @throws BerthError DATA_CORPUS_INVALID for bytes that are not UTF-8, a line that is too long, or damaged
 * compression; DATA_CORPUS_NOT_FOUND when the file is gone; the signal's reason when aborted.
 */
export async function* readLines(
  file: CorpusFile,
  { signal, maxDocumentBytes }: ReadOptions,
): AsyncGenerator<string> {
  const decode = createDecoder(file);
  let partial: Buffer[] = [];
  let numPartialBytes = 0;
  for await (const chunk of readChunks(file)) {
    signal?.throwIfAborted();
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      yield* decode(Buffer.concat([...partial, chunk.subarray(0, end)]));
      partial = [];
      numPartialBytes = 0;
    }
    partial.push(chunk.subarray(end));
    numPartialBytes += chunk.length - end;
    if (numPartialBytes > maxDocumentBytes) {
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `corpus ${file.path}: a line is longer than ${maxDocumentBytes} bytes: ` +
          'break the text into lines, or into documents of a sensible size',
        { details: { path: file.path } },
      );
    }
  }
  if (numPartialBytes > 0) yield* decode(Buffer.concat(partial));
}

/** Turns the blocks of a file, each of whole lines, into lines; keeps count of where it is. */
function createDecoder(file: CorpusFile): (block: Buffer) => string[] {
  let numLines = 0;
  let offset = 0;
  return (block) => {
    if (!isUtf8(block)) throw notUtf8(file, block, numLines, offset);
    const lines = block.toString('utf8').split('\n');
    if (block.at(-1) === lineFeed) lines.pop();
    if (offset === 0) lines[0] = lines[0]?.replace(/^\ufeff/, '') ?? '';
    numLines += lines.length;
    offset += block.length;
    return lines;
  };
}

async function* readChunks(file: CorpusFile): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file.path, { highWaterMark: readBytes });
  const decompress = createDecompress(file);
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const chunks = decompress === undefined ? bytes : pipeline(bytes, decompress, () => {});
  try {
    for await (const chunk of chunks) yield chunk as Buffer;
  } catch (error) {
    throw isBerthError(error) ? error : toCorpusError(file.path, error);
  }
}

function createDecompress({ path, compression }: CorpusFile): Transform | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize: readBytes });
  // Absent from the types of Node 20, which the project compiles against.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  throw new BerthError(
    'DATA_CORPUS_INVALID',
    `corpus ${path}: Node ${process.versions.node} cannot read zstd: ` +
      'use Node 22.15 or later, or compress the file with gzip',
    { details: { path } },
  );
}

function notUtf8(file: CorpusFile, block: Buffer, numLines: number, offset: number): BerthError {
  let line = numLines + 1;
  let start = 0;
  for (let end = lineEnd(block, 0); isUtf8(block.subarray(start, end)); end = lineEnd(block, start)) {
    start = end;
    line += 1;
  }
  return new BerthError(
    'DATA_CORPUS_INVALID',
    `corpus ${file.path}: line ${line}, which starts at byte ${offset + start} of the text, is not UTF-8: ` +
      'convert the file, for example with iconv -f latin1 -t utf-8',
    { details: { path: file.path, line, offset: offset + start } },
  );
}

function lineEnd(block: Buffer, start: number): number {
  const end = block.indexOf(lineFeed, start);
  return end === -1 ? block.length : end + 1;
}
