import { setImmediate } from 'node:timers/promises';
import type { AsyncBuffer } from 'hyparquet';
import { inputInvalid, toInputError } from './input-errors.ts';
import type { Row } from './row.ts';

/**
 * The rows of a .parquet file, one group of rows in memory at a time.
 * @throws BerthError `DATA_INPUT_NOT_FOUND`, or `DATA_INPUT_INVALID` when it is damaged
 */
export async function* readParquetRows(path: string): AsyncGenerator<Row> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } =
    await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const file = await asyncBufferFromFile(path).catch((error: unknown) => {
    throw toInputError(path, error);
  });
  const damaged = (error: unknown): never => {
    throw inputInvalid(path, `${parquetProblem(error)}: replace it with an intact copy`, error);
  };
  const metadata = await parquetMetadataAsync(file).catch(damaged);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const rows = await withGuard(file, (guarded) =>
      parquetReadObjects({ file: guarded, metadata, rowStart, rowEnd, compressors }),
    ).catch(damaged);
    for (const [i, values] of rows.entries())
      yield {
        place: { path, at: `row ${rowStart + i + 1}` },
        values: plain(values) as Record<string, unknown>,
      };
    rowStart = rowEnd;
  }
}

/**
 * The library begins to read all columns before it waits for any. Where a later one fails at once nobody waits for those before
 * it, and an error of theirs would end the process: so bytes come a moment later, never once anything has failed, and
 * what fails to be read is told here.
 */
export async function withGuard<Result>(
  file: AsyncBuffer,
  read: (guarded: AsyncBuffer) => Promise<Result>,
): Promise<Result> {
  let hasFailed = false;
  const never = new Promise<never>(() => {});
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      hasFailed = true;
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const slice = async (start: number, end?: number): Promise<ArrayBuffer> => {
      await setImmediate();
      if (hasFailed) return never;
      try {
        return await file.slice(start, end);
      } catch (error) {
        fail(error);
        return never;
      }
    };
    read({ byteLength: file.byteLength, slice }).then(resolve, fail);
  });
}

/** Whole numbers of 64 bits as numbers, or as text where a number is not exact. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return plainInteger(value);
  if (Array.isArray(value)) return value.map(plain);
  // What a column of text has that is none.
  if (Buffer.isBuffer(value)) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

export function plainInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** What the library says is wrong, where it has words for it: it also stumbles over what it takes for granted. */
export function parquetProblem(error: unknown): string {
  const isAware =
    error instanceof Error && !(error instanceof TypeError || error instanceof RangeError);
  return `is not parquet, or damaged${isAware ? ` (${error.message})` : ''}`;
}
