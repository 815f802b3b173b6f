import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { BerthError, fileDigestSchema, readJson, sha256Hex, type CorpusPiece } from '@berth/contracts';
import { toCorpusError } from './corpus-files.ts';

/** A file of a corpus by what is in it. */
export interface FileDigest {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the bytes on disk, compressed or not. */
  readonly sha256: string;
}

export interface DigestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told at the start, and after each megabyte or file, how many bytes were read. */
  readonly onRead?: (numBytes: number) => void;
}

/**
 * Reads each file of a corpus once, in bounded memory.
 *
 * @returns the files by name
 * @throws BerthError DATA_CORPUS_NOT_FOUND or DATA_CORPUS_INVALID when a file cannot be read; the signal's reason
 * when aborted.
 */
export async function digestFiles(
  files: readonly CorpusPiece[],
  { signal, onRead }: DigestOptions = {},
): Promise<FileDigest[]> {
  let numBytes = 0;
  onRead?.(numBytes);
  const digests: FileDigest[] = [];
  for (const { name, place } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const digest = createHash('sha256');
    let sizeBytes = 0;
    try {
      for await (const chunk of createReadStream(place, { highWaterMark: 1 << 20 })) {
        digest.update(chunk as Buffer);
        sizeBytes += (chunk as Buffer).length;
        onRead?.(numBytes + sizeBytes);
        if (signal?.aborted) break;
      }
    } catch (error) {
      throw toCorpusError(place, error);
    }
    signal?.throwIfAborted();
    numBytes += sizeBytes;
    digests.push({ name, sizeBytes, sha256: digest.digest('hex') });
  }
  return digests;
}

/** One line [name, size, SHA-256 of the bytes] for each file. The SHA-256 of these lines is the corpus digest. */
export function serializeFileDigests(digests: readonly FileDigest[]): Uint8Array {
  const lines = digests.map(
    ({ name, sizeBytes, sha256 }) => `${JSON.stringify([name, sizeBytes, sha256])}\n`,
  );
  return Buffer.from(lines.join(''));
}

/** @throws BerthError `DATA_SHARD_CORRUPT` when these are no such lines */
export function parseFileDigests(bytes: Uint8Array): FileDigest[] {
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1);
  return lines.map((line) => {
    const reading = readJson(fileDigestSchema, line);
    if (!reading.ok)
      throw new BerthError('DATA_SHARD_CORRUPT', `a list of corpus files is damaged: ${reading.problem}`);
    const [name, sizeBytes, sha256] = reading.value;
    return { name, sizeBytes, sha256 };
  });
}

/** SHA-256, in hexadecimal, of a corpus: of its files' names and bytes. Throws what `digestFiles` throws. */
export async function corpusDigest(
  files: readonly CorpusPiece[],
  options?: DigestOptions,
): Promise<string> {
  return sha256Hex(serializeFileDigests(await digestFiles(files, options)));
}
