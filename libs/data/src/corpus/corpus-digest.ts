import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { toCorpusError, type CorpusFile } from './corpus-files.ts';

/**
 * SHA-256, in hexadecimal, of a corpus: one line [name, size, SHA-256 of the bytes] for each file, by name. Bytes are
 * those on disk, compressed or not. Reads each file once, in bounded memory.
 *
 * @param options.onRead - told at the start, and after each megabyte or file, how many bytes were read
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID when a file cannot be read; the signal's reason
 * when aborted.
 */
export async function corpusDigest(
  files: readonly CorpusFile[],
  options: { readonly signal?: AbortSignal; readonly onRead?: (numBytes: number) => void } = {},
): Promise<string> {
  const digest = createHash('sha256');
  const byName = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { signal, onRead = () => undefined } = options;
  let numBytes = 0;
  onRead(numBytes);
  for (const file of byName) {
    const { sizeBytes, sha256 } = await digestFile(file, signal, (inFile) =>
      onRead(numBytes + inFile),
    );
    numBytes += sizeBytes;
    digest.update(`${JSON.stringify([file.name, sizeBytes, sha256])}\n`);
  }
  return digest.digest('hex');
}

async function digestFile(
  file: CorpusFile,
  signal: AbortSignal | undefined,
  onRead: (numBytes: number) => void,
): Promise<{ sizeBytes: number; sha256: string }> {
  const digest = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(file.path, { highWaterMark: 1 << 20 })) {
      digest.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
      onRead(sizeBytes);
      if (signal?.aborted) break;
    }
  } catch (error) {
    throw toCorpusError(file.path, error);
  }
  signal?.throwIfAborted();
  return { sizeBytes, sha256: digest.digest('hex') };
}
