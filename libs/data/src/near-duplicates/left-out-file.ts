import { compareHashes } from '../dataset/document-hash.ts';
import { hashBytes } from '../dataset/token-documents.ts';
import { checkedBytes, withChecksum } from './checked-bytes.ts';

/*
 * Which documents are left out. Little-endian. Header of 4 words: magic (2), version, groups. Then the number of each group's, 4 bytes
 * each; their hashes, in order; the SHA-256 of it all.
 */
const magic = [0x7472_6562, 0x746f_6e2d] as const; // "bert" "-not"
const version = 1;
const headerBytes = 16;

/** @param groups - hashes of each, ascending */
export function encodeLeftOut(groups: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  const numbers = groups.map(({ length }) => length);
  const header = Uint32Array.of(...magic, version, groups.length, ...numbers);
  return withChecksum([
    new Uint8Array(header.buffer),
    ...groups.map((some) => Buffer.concat(some)),
  ]);
}

/** The hashes of a group, one behind the other and ascending. @throws BerthError `DATA_SHARD_CORRUPT` for other bytes than were stored */
export function readLeftOut(stored: Uint8Array, key: string, group: number): Uint8Array {
  const bytes = checkedBytes(stored, key);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numberOf = (index: number): number => view.getUint32(headerBytes + 4 * index, true);
  let start = headerBytes + 4 * view.getUint32(12, true);
  for (let before = 0; before < group; before++) start += hashBytes * numberOf(before);
  return bytes.subarray(start, start + hashBytes * numberOf(group));
}

/** Asks of hashes that ascend whether they are in a list that does. */
export function ascendingIn(hashes: Uint8Array): (hash: Uint8Array) => boolean {
  let at = 0;
  return (hash) => {
    const listed = (): Uint8Array => hashes.subarray(at, at + hashBytes);
    while (at < hashes.length && compareHashes(listed(), hash) < 0) at += hashBytes;
    return at < hashes.length && compareHashes(listed(), hash) === 0;
  };
}
