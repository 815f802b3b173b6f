import { createHash } from 'node:crypto';
import { BerthError } from '@berth/contracts';

const digestBytes = 32;

/** Pieces with the SHA-256 of all of them behind. */
export function withChecksum(pieces: readonly Uint8Array[]): Uint8Array[] {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return [...pieces, hash.digest()];
}

/** What lies before the checksum. @throws BerthError `DATA_SHARD_CORRUPT` where that is not right */
export function checkedBytes(bytes: Uint8Array, key: string): Uint8Array {
  const end = Math.max(0, bytes.length - digestBytes);
  const body = bytes.subarray(0, end);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(end)))
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${key} is damaged: delete it and prepare the dataset again`,
      { details: { key } },
    );
  return body;
}
