import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { BerthError, isBerthError, type CorpusTally, type ErrorDetails } from '@berth/contracts';
import { toCorpusError, type CorpusFile } from './corpus-files.ts';
import { adviceFor, createDecode, sampleBytes, detectEncoding } from './text-encoding.ts';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** A longer line or document is an error; so it bounds what a reader holds. */
  readonly maxDocumentBytes: number;
  /** `auto`, or a label of the WHATWG Encoding Standard. */
  readonly encoding: string;
  readonly tally?: CorpusTally | undefined;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const readBytes = 1 << 18;

/**
 * The lines of a corpus file, decompressed and decoded, without their ends: LF, CR LF or CR. A byte order mark is
 * dropped.
 *
 * @throws BerthError DATA_CORPUS_INVALID for bytes that are not of the encoding, a line that is too long, or damaged
 * compression; DATA_CORPUS_NOT_FOUND when the file is gone; the signal's reason when aborted.
 */
export async function* readLines(file: CorpusFile, options: ReadOptions): AsyncGenerator<string> {
  const { signal, maxDocumentBytes } = options;
  const decode = createDecoder(file);
  let partial: Buffer[] = [];
  let numPartialBytes = 0;
  for await (const chunk of readUtf8(file, options)) {
    signal?.throwIfAborted();
    const end = endOfLastLine(chunk);
    if (end > 0) {
      yield* decode(Buffer.concat([...partial, chunk.subarray(0, end)]));
      partial = [];
      numPartialBytes = 0;
    }
    partial.push(chunk.subarray(end));
    numPartialBytes += chunk.length - end;
    if (numPartialBytes > maxDocumentBytes) {
      throw invalid(
        file,
        `a line is longer than ${maxDocumentBytes} bytes: ` +
          'break the text into lines, or into documents of a sensible size',
      );
    }
  }
  if (numPartialBytes > 0) yield* decode(Buffer.concat(partial));
}

/** Where the last line that surely ends in this chunk ends; a CR at the end of the chunk may be half of an end. */
function endOfLastLine(chunk: Buffer): number {
  let last = chunk.length - 1;
  while (chunk[last] === carriageReturn) last -= 1;
  if (last < 0) return 0;
  const end = Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn, last));
  return end + 1;
}

/** Turns the blocks of a file, each of whole lines, into lines; keeps count of where it is. */
function createDecoder(file: CorpusFile): (block: Buffer) => string[] {
  let numLines = 0;
  let offset = 0;
  return (block) => {
    if (!isUtf8(block)) throw notUtf8(file, block, numLines, offset);
    let text = block.toString('utf8');
    if (offset === 0) text = text.replace(/^\ufeff/, '');
    // More than one CR before an LF comes of line ends converted twice.
    const lines = text.includes('\r') ? text.split(/\r*\n|\r/) : text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    numLines += lines.length;
    offset += block.length;
    return lines;
  };
}

/** The text in UTF-8. */
async function* readUtf8(file: CorpusFile, options: ReadOptions): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  let toUtf8: ToUtf8 | undefined;
  for await (const chunk of readChunks(file, options)) {
    if (toUtf8 !== undefined) yield toUtf8(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length >= sampleBytes) {
        toUtf8 = createToUtf8(file, head, options);
        yield toUtf8(head);
      }
    }
  }
  if (toUtf8 === undefined) {
    toUtf8 = createToUtf8(file, head, options);
    yield toUtf8(head);
  }
  yield toUtf8();
}

/** Turns the bytes of a text into UTF-8, piece by piece; called without bytes at the end. */
type ToUtf8 = (bytes?: Buffer) => Buffer;

function createToUtf8(
  file: CorpusFile,
  head: Buffer,
  { encoding, tally }: ReadOptions,
): ToUtf8 {
  const detected =
    encoding === 'auto'
      ? detectEncoding(head.subarray(0, sampleBytes))
      : { encoding: new TextDecoder(encoding).encoding };
  if ('advice' in detected) throw invalid(file, detected.advice);
  if (tally !== undefined)
    tally.encodings[detected.encoding] = (tally.encodings[detected.encoding] ?? 0) + 1;
  if (detected.encoding === 'utf-8') return (bytes = Buffer.alloc(0)) => bytes;
  const decode = createDecode(detected.encoding);
  let offset = 0;
  return (bytes) => {
    try {
      const text = decode(bytes);
      offset += bytes?.length ?? 0;
      return Buffer.from(text);
    } catch {
      throw invalid(
        file,
        `from byte ${offset} of the text on, is not ${detected.encoding}: ` +
          'correct corpus.encoding, or replace the file with an intact copy',
      );
    }
  };
}

async function* readChunks(
  file: CorpusFile,
  { tally }: Pick<ReadOptions, 'tally'>,
): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file.path, { highWaterMark: readBytes });
  const decompress = createDecompress(file);
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const chunks = decompress === undefined ? bytes : pipeline(bytes, decompress, () => {});
  let numBytes = 0;
  try {
    for await (const chunk of chunks) {
      if (tally !== undefined) tally.numBytes += bytes.bytesRead - numBytes;
      numBytes = bytes.bytesRead;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw isBerthError(error) ? error : toCorpusError(file.path, error);
  }
}

function createDecompress(file: CorpusFile): Transform | undefined {
  const { compression } = file;
  if (compression === 'none') return undefined;
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize: readBytes });
  // Absent from the types of Node 20, which the project compiles against.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  throw invalid(
    file,
    `Node ${process.versions.node} cannot read zstd: ` +
      'use Node 22.15 or later, or compress the file with gzip',
  );
}

function notUtf8(file: CorpusFile, block: Buffer, numLines: number, offset: number): BerthError {
  let line = numLines + 1;
  let start = 0;
  let end = lineEnd(block, 0);
  for (; isUtf8(block.subarray(start, end)); end = lineEnd(block, start)) {
    start = end;
    line += 1;
  }
  const isUtf8Before = block.subarray(0, start).some((byte) => byte >= 0x80);
  const what = `line ${line}, which starts at byte ${offset + start} of the text, is not UTF-8`;
  return invalid(
    file,
    isUtf8Before
      ? `${what}, while lines before it are: correct that line`
      : `${what}: ${adviceFor(block.subarray(start, start + sampleBytes))}`,
    { line, offset: offset + start },
  );
}

function invalid(file: CorpusFile, problem: string, details: ErrorDetails = {}): BerthError {
  return new BerthError('DATA_CORPUS_INVALID', `corpus ${file.path}: ${problem}`, {
    details: { path: file.path, ...details },
  });
}

/** Where the line that starts here ends. */
function lineEnd(block: Buffer, start: number): number {
  const end = block.subarray(start).findIndex((byte) => byte === lineFeed || byte === carriageReturn);
  if (end === -1) return block.length;
  const isPair = block[start + end] === carriageReturn && block[start + end + 1] === lineFeed;
  return start + end + (isPair ? 2 : 1);
}
