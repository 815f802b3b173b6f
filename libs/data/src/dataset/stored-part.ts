import { BerthError, sha256Hex, type ObjectStore, type StoredPart } from '@berth/contracts';

/**
 * Stores an immutable part; doing it again changes nothing.
 * @throws BerthError `DATA_SHARD_CORRUPT` when the key already holds other bytes
 */
export async function putPart(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
): Promise<StoredPart> {
  if ((await store.put(key, bytes, { ifAbsent: true })) === 'exists') {
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${key} in ${store.describe()} holds other bytes than the same work gives now; delete it and try again`,
      { details: { key } },
    );
  }
  return { key, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
}

/**
 * Fetches a part and proves that it is the one meant. A larger one is not taken into memory.
 * @throws BerthError `DATA_SHARD_CORRUPT` when size or digest differ, and what the store throws
 */
export async function getPart(store: ObjectStore, part: StoredPart): Promise<Uint8Array> {
  const bytes = await store.get(part.key, { maxBytes: part.sizeBytes });
  const sha256 = sha256Hex(bytes);
  if (bytes.length !== part.sizeBytes || sha256 !== part.sha256) {
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${part.key} in ${store.describe()} has ${bytes.length} bytes with sha256 ${sha256} instead of ` +
        `${part.sizeBytes} with ${part.sha256}; delete it and prepare the dataset again`,
      { details: { key: part.key } },
    );
  }
  return bytes;
}
