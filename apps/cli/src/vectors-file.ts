import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { BerthError } from '@berth/contracts';

/** Where vectors go as they are computed. */
export interface VectorsFile {
  add(text: string, vector: readonly number[]): Promise<void>;
  close(): Promise<void>;
  /** Leaves no file, and one that had the name before as it was. */
  discard(): Promise<void>;
}

/**
 * A file of vectors, which has its name once it is whole: .npy, for numpy.load, or .jsonl with each text beside its vector, as which they are printed where no file is named.
 * @throws BerthError `USAGE` for another name, or a place that cannot be written
 */
export async function openVectors(
  path: string | undefined,
  print: (line: string) => void,
): Promise<VectorsFile> {
  if (path === undefined)
    return {
      add: async (text, embedding) => print(JSON.stringify({ text, embedding })),
      close: async () => undefined,
      discard: async () => undefined,
    };
  if (!/\.(npy|jsonl)$/.test(path))
    throw new BerthError('USAGE', `--out ${path}: the name must end in .npy or .jsonl`);
  const partial = `${path}.partial`;
  const file = await open(partial, 'w').catch((cause: unknown) => {
    throw new BerthError('USAGE', `--out ${path}: cannot be written`, { cause });
  });
  const { add, finish } = path.endsWith('.npy') ? npyFile(file) : jsonlFile(file);
  return {
    add,
    async close() {
      await finish?.();
      await file.close();
      await rename(partial, path);
    },
    async discard() {
      await file.close();
      await rm(partial);
    },
  };
}

interface Format {
  readonly add: VectorsFile['add'];
  /** Writes what is known only once all are there. */
  readonly finish?: () => Promise<void>;
}

function jsonlFile(file: FileHandle): Format {
  return {
    add: async (text, embedding) => {
      await file.write(`${JSON.stringify({ text, embedding })}\n`);
    },
  };
}

/** Room for any shape; a multiple of 64, as numpy aligns its data. */
const headerBytes = 128;

/** The format of NumPy, version 1.0: its header, which says how many there are, is written last. */
function npyFile(file: FileHandle): Format {
  let numVectors = 0;
  let size = 0;
  return {
    async add(_text, vector) {
      size = vector.length;
      const bytes = new Uint8Array(Float32Array.from(vector).buffer);
      await file.write(bytes, 0, bytes.length, headerBytes + numVectors * bytes.length);
      numVectors++;
    },
    async finish() {
      await file.write(npyHeader(numVectors, size), 0, headerBytes, 0);
    },
  };
}

function npyHeader(numVectors: number, size: number): Uint8Array {
  const fields = `{'descr': '<f4', 'fortran_order': False, 'shape': (${numVectors}, ${size}), }`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, headerBytes - 10, 0]);
  return Buffer.concat([start, Buffer.from(`${fields.padEnd(headerBytes - 11)}\n`)]);
}
