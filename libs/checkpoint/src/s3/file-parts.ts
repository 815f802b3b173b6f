import { open } from 'node:fs/promises';

/** A file of which parts are read when they are wanted. */
export interface OpenFile {
  readonly sizeBytes: number;
  /** @throws when it has become shorter meanwhile, and what the file system throws */
  readonly partAt: (start: number, end: number) => Promise<Uint8Array>;
}

/** Opens a file for as long as `use` takes. @throws what the file system throws */
export async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    const { size: sizeBytes } = await file.stat();
    return await use({
      sizeBytes,
      async partAt(start, end) {
        const bytes = new Uint8Array(end - start);
        for (let numRead = 0; numRead < bytes.length;) {
          const { bytesRead } = await file.read(bytes, numRead, null, start + numRead);
          if (bytesRead === 0) throw new Error(`${path} has become shorter while it was read`);
          numRead += bytesRead;
        }
        return bytes;
      },
    });
  } finally {
    await file.close();
  }
}
