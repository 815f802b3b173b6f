import { randomUUID } from 'node:crypto';
import { readSync } from 'node:fs';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeepNumbers, NumberArray, Stretches } from './stretches.ts';

export interface ScratchOptions {
  /** Where its files are, without names; made if need be. @defaultValue where the system has its temporary files */
  readonly folder?: string | undefined;
  /** Fewer bytes stay in memory. */
  readonly thresholdBytes: number;
  /** Told why numbers stay in memory that should be in a file. */
  readonly onTrouble: (error: unknown) => void;
}

const pieceBytes = 4 * 2 ** 20;

/** Closes files whose numbers nobody can read any more. */
const files = new FinalizationRegistry<FileHandle>((file) => void file.close());

/**
 * Keeps large arrays of numbers in files, so that memory has only what is read of them. The files lose their names at once:
 * whatever becomes of the process, the system has their room again. What cannot be written stays in memory.
 */
export function createScratch({ folder, thresholdBytes, onTrouble }: ScratchOptions): KeepNumbers {
  return async <T extends NumberArray>(numbers: Stretches<T>): Promise<Stretches<T>> => {
    if (numbers instanceof FileNumbers) return numbers;
    const all = numbers.subarray();
    // A view of a large buffer would keep all of it.
    if (all.byteLength < thresholdBytes) return all.slice() as never;
    try {
      return await inFile(all, folder ?? tmpdir());
    } catch (error) {
      onTrouble(error);
      return numbers;
    }
  };
}

async function inFile<T extends NumberArray>(numbers: T, folder: string): Promise<Stretches<T>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `berth-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    for (let at = 0; at < bytes.length;)
      at += (await file.write(bytes, at, Math.min(pieceBytes, bytes.length - at), at)).bytesWritten;
  } catch (error) {
    await file.close();
    throw error;
  }
  return new FileNumbers(file, numbers);
}

/** Numbers of a file of their own. */
class FileNumbers<T extends NumberArray> implements Stretches<T> {
  readonly length: number;
  readonly #file: number;
  readonly #create: new (length: number) => T;

  constructor(file: FileHandle, { length, constructor }: T) {
    this.length = length;
    this.#file = file.fd;
    this.#create = constructor as new (length: number) => T;
    files.register(this, file);
  }

  subarray(start = 0, end = this.length): T {
    const numbers = new this.#create(end - start);
    const { BYTES_PER_ELEMENT: width, byteLength } = numbers;
    for (let at = 0; at < byteLength;) {
      const numRead = readSync(this.#file, numbers, at, byteLength - at, start * width + at);
      if (numRead === 0) throw new Error(`A scratch file ends before number ${end}`);
      at += numRead;
    }
    return numbers;
  }
}
