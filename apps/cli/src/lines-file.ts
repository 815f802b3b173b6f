import { open, rename, rm } from 'node:fs/promises';
import { BerthError } from '@berth/contracts';

/** Where lines go as they come. */
export interface LinesFile {
  add(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
  /** Leaves no file, and one that had the name before as it was. */
  discard(): Promise<void>;
}

/**
 * A file of lines, which has its name once it is whole; standard output where none is named.
 * @throws BerthError `USAGE` for a place that cannot be written
 */
export async function openLines(
  path: string | undefined,
  print: (line: string) => void,
): Promise<LinesFile> {
  if (path === undefined)
    return {
      add: async (lines) => lines.forEach((line) => print(line)),
      close: async () => undefined,
      discard: async () => undefined,
    };
  const partial = `${path}.partial`;
  const file = await open(partial, 'w').catch((cause: unknown) => {
    throw new BerthError('USAGE', `--out ${path}: cannot be written`, { cause });
  });
  return {
    add: async (lines) => {
      await file.writeFile(lines.map((line) => `${line}\n`).join(''));
    },
    async close() {
      await file.close();
      await rename(partial, path);
    },
    async discard() {
      await file.close();
      await rm(partial);
    },
  };
}
