import { isUtf8 } from 'node:buffer';
import { isBerthError } from '@berth/contracts';
import type { AsyncBuffer, RowGroup } from 'hyparquet';
import { parquetProblem, plain, withGuard } from '../../rows/parquet-rows.ts';
import type { CorpusDocument } from '../corpus-document.ts';
import { InvalidText, type Reading } from '../reading.ts';
import type { PieceBytes } from '../sources/piece-bytes.ts';
import { documentsOfRecord } from './records.ts';
import { requireText } from './table-documents.ts';

/** Text of rows that are decoded at a time. */
const decodedBytes = 8 * 2 ** 20;
/** What is read of a row group is held as it is stored. */
const maxGroupBytes = 256 * 2 ** 20;

/**
 * The documents of a .parquet file, one a row; of a range, the rows of the groups that begin in it. Only columns that are needed are
 * read.
 */
export async function* readParquetDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  const { piece, tally, turn, signal } = reading;
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const damaged = (error: unknown, where = ''): never => {
    if (isBerthError(error)) throw error;
    throw new InvalidText(piece, `${parquetProblem(error)}${where}: replace it with an intact copy`);
  };
  const metadata = await parquetMetadataAsync(asyncBuffer(reading)).catch((error: unknown) => damaged(error));
  const all = parquetSchema(metadata).children.map(({ element }) => element.name);
  const columns = columnsToRead(all, reading);
  const [rangeStart, rangeEnd] = piece.range ?? [0, Infinity];
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = rowStart + Number(group.num_rows);
    const start = startOf(group);
    if (start >= rangeStart && start < rangeEnd) {
      const step = rowsAtATime(group, columns, reading);
      const file = asyncBuffer(reading);
      for (let row = rowStart; row < groupEnd; row += step) {
        signal?.throwIfAborted();
        const rows = { rowStart: row, rowEnd: Math.min(groupEnd, row + step) };
        const read = await withGuard(file, (guarded) =>
          parquetReadObjects({ file: guarded, metadata, ...rows, columns, compressors, parsers }),
        ).catch((error: unknown) =>
          damaged(error, `, in rows ${row + 1} to ${rows.rowEnd}, whose group begins at byte ${start}`),
        );
        for (const [i, values] of read.entries()) {
          const place = { at: `row ${row + i + 1}`, name: `${piece.name}:${row + i + 1}` };
          const record = plain(values) as Record<string, unknown>;
          yield* documentsOfRecord({ ...place, values: record }, reading);
          await turn();
        }
      }
      tally.numBytes += bytesOf(group);
    }
    rowStart = groupEnd;
  }
}

/** Text as it must be; the library would put question marks where bytes are none. */
const parsers = {
  stringFromBytes: (bytes: unknown): unknown => {
    if (!(bytes instanceof Uint8Array)) return bytes;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return isUtf8(buffer) ? buffer.toString() : Buffer.from(buffer);
  },
};

/** Those at the top that hold what a record is asked for. */
function columnsToRead(all: readonly string[], reading: Reading): string[] {
  const { textField, idField, pretokenised } = reading.settings;
  requireText(reading, all);
  const has = (name: string): boolean => all.includes(name);
  const topOf = (name: string): string => (has(name) ? name : name.split('.')[0]!);
  const hasText = has(topOf(textField));
  const others = hasText ? [] : ['sentences', ...(pretokenised ? ['tokens'] : [])];
  return [...new Set([topOf(textField), topOf(idField), ...others])].filter(has);
}

/** Where a row group begins in the file. */
function startOf({ columns }: RowGroup): number {
  const starts = columns.map(({ meta_data: column }) =>
    Number(column?.dictionary_page_offset ?? column?.data_page_offset ?? 0),
  );
  return Math.min(...starts);
}

/** Rows of a group that are decoded together. */
function rowsAtATime(group: RowGroup, columns: readonly string[], { piece }: Reading): number {
  let [storedBytes, textBytes] = [0, 0];
  for (const { meta_data: column } of group.columns)
    if (column !== undefined && columns.includes(column.path_in_schema[0]!)) {
      storedBytes += Number(column.total_compressed_size);
      textBytes += Number(column.total_uncompressed_size);
    }
  if (storedBytes > maxGroupBytes)
    throw new InvalidText(
      piece,
      `has a row group whose text takes ${storedBytes} bytes, and at most ${maxGroupBytes} are read at once: write it with smaller row groups`,
    );
  return Math.max(1, Math.floor((Number(group.num_rows) * decodedBytes) / Math.max(1, textBytes)));
}

function bytesOf({ columns }: RowGroup): number {
  return columns.reduce((sum, { meta_data: column }) => sum + Number(column?.total_compressed_size ?? 0), 0);
}

/** A file for the library; keeps what it was asked for, which is that of one row group, as it asks for it again. */
function asyncBuffer({ bytes, piece }: Reading): AsyncBuffer {
  const known = new Map<string, Promise<ArrayBuffer>>();
  return {
    byteLength: piece.sizeBytes,
    slice(start, end = piece.sizeBytes) {
      const key = `${start}-${end}`;
      const slice = known.get(key) ?? readSlice(bytes, start, end);
      known.set(key, slice);
      return slice;
    },
  };
}

async function readSlice(bytes: PieceBytes, start: number, end: number): Promise<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = await bytes.read(start, end);
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength;
  return (isAlone ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
