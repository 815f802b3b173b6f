import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { inputInvalid, toInputError } from './input-errors.ts';
import type { Row } from './row.ts';

/**
 * The rows of a .parquet file, one group of rows in memory at a time.
 * @throws BerthError `DATA_INPUT_NOT_FOUND`, or `DATA_INPUT_INVALID` when it is damaged
 */
export async function* readParquetRows(path: string): AsyncGenerator<Row> {
  const file = await asyncBufferFromFile(path).catch((error: unknown) => {
    throw toInputError(path, error);
  });
  const damaged = (error: unknown): never => {
    throw inputInvalid(
      path,
      `is not parquet, or damaged (${error instanceof Error ? error.message : String(error)}): replace it with an intact copy`,
      error,
    );
  };
  const metadata = await parquetMetadataAsync(file).catch(damaged);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors }).catch(
      damaged,
    );
    for (const [i, values] of rows.entries())
      yield {
        place: { path, at: `row ${rowStart + i + 1}` },
        values: plain(values) as Record<string, unknown>,
      };
    rowStart = rowEnd;
  }
}

/** Whole numbers of 64 bits as numbers. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
