import { decompress } from './compression/decompress.ts';
import { InvalidText, type Reading } from './reading.ts';
import { streamBytes } from './sources/piece-bytes.ts';
import { createDecode, detectEncoding, sampleBytes } from './text-encoding.ts';

/** A text in UTF-8, which nobody has verified where the file is said to be in it. */
export interface OpenText {
  readonly blocks: AsyncIterable<Buffer>;
  /** Where the blocks begin in the text, in bytes. */
  readonly start: number;
}

/**
 * Opens the text of a piece, decompressed and in UTF-8. That of a range begins one byte before it and goes on to the end of
 * the file.
 * @throws BerthError DATA_CORPUS_INVALID for bytes that are not of the encoding, or damaged compression; reading throws it too
 */
export async function openText(reading: Reading): Promise<OpenText> {
  const { piece, settings, tally } = reading;
  const [rangeStart] = piece.range ?? [0];
  if (rangeStart > 0) return { start: rangeStart - 1, blocks: storedBytes(reading) };
  const stored = storedBytes(reading);
  const content = piece.compression === 'none' ? stored : decompress(stored, piece);
  const { head, blocks } = await peek(content, sampleBytes);
  const detected =
    settings.encoding === 'auto'
      ? detectEncoding(head.subarray(0, sampleBytes))
      : { encoding: new TextDecoder(settings.encoding).encoding };
  if ('advice' in detected) throw new InvalidText(piece, detected.advice);
  const { encoding } = detected;
  tally.encodings[encoding] = (tally.encodings[encoding] ?? 0) + 1;
  return { start: 0, blocks: encoding === 'utf-8' ? blocks : toUtf8(blocks, encoding, reading) };
}

/** Reads so many bytes ahead, or all; the blocks begin with those. */
export async function peek(
  blocks: AsyncIterable<Buffer>,
  numBytes: number,
): Promise<{ head: Buffer; blocks: AsyncGenerator<Buffer> }> {
  const iterator = blocks[Symbol.asyncIterator]();
  const taken: Buffer[] = [];
  let numTaken = 0;
  let isAll = false;
  while (numTaken < numBytes && !isAll) {
    const { value, done } = await iterator.next();
    if (done === true) isAll = true;
    else {
      taken.push(value);
      numTaken += value.length;
    }
  }
  const [only] = taken;
  const head = only !== undefined && taken.length === 1 ? only : Buffer.concat(taken);
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    if (!isAll) yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head, blocks: all() };
}

/** The bytes as they lie there, from just before the piece's own on. */
export async function* storedBytes({ piece, bytes, tally, signal }: Reading): AsyncGenerator<Buffer> {
  const [ownStart, ownEnd] = piece.range ?? [0, piece.sizeBytes];
  let at = Math.max(0, ownStart - 1);
  for await (const block of streamBytes(bytes, piece, { start: at, ownEnd })) {
    signal?.throwIfAborted();
    const end = at + block.length;
    tally.numBytes += Math.max(0, Math.min(end, ownEnd) - Math.max(at, ownStart));
    at = end;
    yield block;
  }
}

async function* toUtf8(
  blocks: AsyncIterable<Buffer>,
  encoding: string,
  { piece }: Reading,
): AsyncGenerator<Buffer> {
  const decode = createDecode(encoding);
  let offset = 0;
  const decoded = (block?: Buffer): Buffer => {
    try {
      return Buffer.from(decode(block));
    } catch {
      const what =
        block === undefined
          ? `ends inside a character of ${encoding}, at byte ${offset} of the text`
          : `is not ${encoding} between bytes ${offset} and ${offset + block.length} of the text`;
      throw new InvalidText(
        piece,
        `${what}: correct corpus.encoding, or replace the file with an intact copy`,
      );
    }
  };
  for await (const block of blocks) {
    // Small steps: how much of a damaged text is read is not to depend on the blocks it comes in.
    for (let at = 0; at < block.length; at += sampleBytes) {
      const step = block.subarray(at, at + sampleBytes);
      yield decoded(step);
      offset += step.length;
    }
  }
  yield decoded();
}
