import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isBerthError } from '@berth/contracts';
import { inputInvalid, toInputError } from './input-errors.ts';

const lineFeed = 0x0a;
/** A line that is longer is an error; so it bounds what a reader holds. */
const maxLineBytes = 1 << 26;

export interface ReadTextOptions {
  /** Where the file is read from, if not from its path. */
  readonly bytes?: AsyncIterable<Uint8Array>;
  /** What to do about bytes that are not UTF-8, from the first line on that has some. */
  readonly adviceFor?: (bytes: Buffer) => string;
}

const commonAdvice = (): string =>
  'correct it, or convert the file with iconv -f ENCODING -t utf-8';

/**
 * The text of a UTF-8 file, plain or gzip, in blocks of whole lines; a byte order mark is dropped.
 * @throws BerthError `DATA_INPUT_NOT_FOUND`, or `DATA_INPUT_INVALID` for bytes that are no UTF-8, naming their line, a line that
 * is too long, or damaged compression
 */
export async function* readBlocks(
  path: string,
  { bytes, adviceFor = commonAdvice }: ReadTextOptions = {},
): AsyncGenerator<string> {
  let numLines = 0;
  let partial: Uint8Array[] = [];
  let numPartialBytes = 0;
  const decode = (block: Buffer): string => {
    if (!isUtf8(block)) throw notUtf8(path, block, numLines, adviceFor);
    const text = block.toString('utf8');
    const isFirst = numLines === 0;
    for (let at = block.indexOf(lineFeed); at >= 0; at = block.indexOf(lineFeed, at + 1))
      numLines += 1;
    return isFirst ? text.replace(/^\ufeff/, '') : text;
  };
  for await (const chunk of bytes ?? readChunks(path)) {
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      yield decode(Buffer.concat([...partial, chunk.subarray(0, end)]));
      partial = [];
      numPartialBytes = 0;
    }
    partial.push(chunk.subarray(end));
    numPartialBytes += chunk.length - end;
    if (numPartialBytes > maxLineBytes)
      throw inputInvalid(
        path,
        `line ${numLines + 1} is longer than ${maxLineBytes} bytes: is it what its name says it is?`,
      );
  }
  if (numPartialBytes > 0) yield decode(Buffer.concat(partial));
}

/** The lines of a file, without their ends (LF, or CR LF), counted from 1. */
export async function* readNumberedLines(
  path: string,
  options?: ReadTextOptions,
): AsyncGenerator<readonly [number: number, line: string]> {
  let number = 0;
  for await (const block of readBlocks(path, options)) {
    const lines = block.split(/\r?\n/);
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) yield [(number += 1), line];
  }
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const bytes = createReadStream(path, { highWaterMark: 1 << 18 });
  // The callback takes the place of an error event; the error itself reaches the reader below.
  const chunks = path.endsWith('.gz') ? pipeline(bytes, createGunzip(), () => {}) : bytes;
  try {
    for await (const chunk of chunks) yield chunk as Uint8Array;
  } catch (error) {
    throw isBerthError(error) ? error : toInputError(path, error);
  }
}

function notUtf8(
  path: string,
  block: Buffer,
  numLinesBefore: number,
  adviceFor: (bytes: Buffer) => string,
): Error {
  let line = numLinesBefore + 1;
  let start = 0;
  for (; start < block.length; line += 1) {
    const end = block.indexOf(lineFeed, start) + 1 || block.length;
    if (!isUtf8(block.subarray(start, end))) break;
    start = end;
  }
  return inputInvalid(path, `line ${line} is not UTF-8: ${adviceFor(block.subarray(start))}`);
}
