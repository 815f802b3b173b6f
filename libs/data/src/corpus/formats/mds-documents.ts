import { isUtf8 } from 'node:buffer';
import type { CorpusDocument } from '../corpus-document.ts';
import { decompress } from '../compression/decompress.ts';
import { InvalidText, type Reading } from '../reading.ts';
import { storedBytes } from '../open-text.ts';
import { createByteTaker } from '../byte-taker.ts';
import { plainInteger } from '../../rows/parquet-rows.ts';
import { documentsOfRecord } from './records.ts';
import { requireText } from './table-documents.ts';

/** Samples above it are no text that anyone trains on at once. */
const maxSampleBytes = 64 * 2 ** 20;
const maxHeaderBytes = 64 * 2 ** 20;

interface MdsColumn {
  readonly name: string;
  readonly encoding: string;
  /** Of each of its values; null where they say so themselves. */
  readonly size: number | null;
}

/**
 * The documents of a shard as MosaicML's streaming library writes them (.mds, its format 2): the number of samples, where each begins, the
 * columns as JSON, then the samples: sizes of the values that have no fixed one, and the values. All numbers are little-endian.
 */
export async function* readMdsDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  const { piece, turn } = reading;
  const taker = createByteTaker(decompress(storedBytes(reading), piece));
  const damaged = (problem: string): never => {
    throw new InvalidText(
      piece,
      `is no MDS shard, or damaged (${problem}, at byte ${taker.numTaken}): replace it with an intact copy`,
    );
  };
  const take = async (numBytes: number, most: number): Promise<Buffer> => {
    if (numBytes < 0 || numBytes > most) damaged(`something takes ${numBytes} bytes, and may take ${most}`);
    return (await taker.take(numBytes)) ?? damaged('it ends too early');
  };
  const numSamples = (await take(4, 4)).readUInt32LE();
  const offsets = await take(4 * (numSamples + 1), maxHeaderBytes);
  const offset = (i: number): number => offsets.readUInt32LE(4 * i);
  const header = await take(offset(0) - 4 - offsets.length, maxHeaderBytes);
  const columns = columnsOf(header) ?? damaged('its columns are not described');
  requireText(reading, columns.map(({ name }) => name));
  for (let i = 0; i < numSamples; i++) {
    const sample = await take(offset(i + 1) - offset(i), maxSampleBytes);
    const values = valuesOf(sample, columns);
    if (values === undefined)
      reading.report(`sample ${i} (byte ${offset(i)}) does not fit its columns: make the shard again`);
    else {
      const place = { at: `sample ${i} (byte ${offset(i)})`, name: `${piece.name}:${i}` };
      yield* documentsOfRecord({ ...place, values }, reading);
    }
    await turn();
  }
}

/** @returns undefined when the header is none */
function columnsOf(header: Buffer): MdsColumn[] | undefined {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(header.toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { column_names: names, column_encodings: encodings, column_sizes: sizes } = config ?? {};
  if (!Array.isArray(names) || !Array.isArray(encodings) || !Array.isArray(sizes)) return undefined;
  const columns = names.map((name: unknown, i) => ({
    name: String(name),
    encoding: String(encodings[i]),
    size: sizes[i] === null ? null : Number(sizes[i]),
  }));
  const isSound = columns.every(({ size }) => size === null || (Number.isInteger(size) && size >= 0));
  return isSound ? columns : undefined;
}

/** @returns undefined when the sizes are not those of the sample */
function valuesOf(
  sample: Buffer,
  columns: readonly MdsColumn[],
): Record<string, unknown> | undefined {
  const numSizes = columns.filter(({ size }) => size === null).length;
  if (sample.length < 4 * numSizes) return undefined;
  const values: [string, unknown][] = [];
  let [sizeAt, at] = [0, 4 * numSizes];
  for (const { name, encoding, size } of columns) {
    let numBytes = size;
    if (numBytes === null) {
      numBytes = sample.readUInt32LE(sizeAt);
      sizeAt += 4;
    }
    if (at + numBytes > sample.length) return undefined;
    values.push([name, decoded(sample.subarray(at, at + numBytes), encoding)]);
    at += numBytes;
  }
  return at === sample.length ? Object.fromEntries(values) : undefined;
}

/** Text and what names it; an encoding that holds neither is no value that a document is made of. Of text that is none, its bytes. */
function decoded(bytes: Buffer, encoding: string): unknown {
  const noText = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (encoding) {
    case 'str':
    case 'str_int':
      return isUtf8(bytes) ? bytes.toString() : bytes;
    case 'json':
      try {
        return JSON.parse(bytes.toString());
      } catch {
        return noText;
      }
    case 'int':
    case 'int64':
      return bytes.length === 8 ? plainInteger(bytes.readBigInt64LE()) : noText;
    default:
      return noText;
  }
}
