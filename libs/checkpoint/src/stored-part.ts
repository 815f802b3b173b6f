import { BerthError, isBerthError, type ObjectStore, type StoredPart } from '@berth/contracts';
import { sha256InTurns } from './digest.ts';

/**
 * Reads a part and proves it is the one meant. No more is taken into memory than it should have.
 * @param options.maxBytes what a part of its kind can have at most, whatever is said of it
 * @throws BerthError `CHECKPOINT_CORRUPT` for another size or digest, and what the store throws
 */
export async function readPart(
  store: ObjectStore,
  part: StoredPart,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  if (part.sizeBytes > maxBytes) {
    const why = `${part.sizeBytes} bytes are said of it, and it can have ${maxBytes} at most`;
    throw corrupt(store, part.key, why);
  }
  const options = { maxBytes: part.sizeBytes, ...(signal && { signal }) };
  const bytes = await store.get(part.key, options);
  if (bytes.byteLength !== part.sizeBytes) {
    throw corrupt(store, part.key, `it has ${bytes.byteLength} bytes instead of ${part.sizeBytes}`);
  }
  if ((await sha256InTurns(bytes)) !== part.sha256) {
    throw corrupt(store, part.key, 'its SHA-256 is not the one in the manifest');
  }
  return bytes;
}

/** The error for something stored that cannot be what was written. */
export function corrupt(store: ObjectStore, key: string, why: string, cause?: unknown): BerthError {
  return new BerthError(
    'CHECKPOINT_CORRUPT',
    `${key} in ${store.describe()} is damaged: ${why}. Resume from another checkpoint.`,
    { cause, details: { key } },
  );
}

/** True for an error that says something stored is lost or damaged, not that the store cannot be asked. */
export function isDamage(error: unknown): error is BerthError {
  if (!isBerthError(error)) return false;
  return ['CHECKPOINT_CORRUPT', 'STORE_CORRUPT', 'STORE_NOT_FOUND'].includes(error.code);
}
