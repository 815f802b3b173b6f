/** Bytes of an object: in one piece, or in pieces that follow one another and are not copied together. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

/** A stored object's facts, as listed. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
}

export interface PutOptions {
  /** Refuse when the key exists (`If-None-Match: *`). @defaultValue false */
  readonly ifAbsent?: boolean;
  readonly contentType?: string;
  /** SHA-256 of the body, in hex, where it is known already. @defaultValue made */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
}

export interface GetOptions {
  /** A larger object is not taken into memory: `STORE_CORRUPT`. @defaultValue 16777216 (16 MiB) */
  readonly maxBytes?: number;
  /** Only the bytes from the first on and before the second: an object that is shorter is `STORE_CORRUPT`. @defaultValue all */
  readonly range?: readonly [number, number];
  readonly signal?: AbortSignal;
}

/** A large object on its way, or left half-way by a process that is gone. */
export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAtMs: number;
}

/**
 * The only storage berth has: an S3 bucket.
 * Every call rejects with `STORE_UNREACHABLE` when the service does not answer in time, `STORE_FULL` when it has no space left,
 * `STORE_REFUSED` for credentials or permissions, `STORE_NOT_FOUND` for a missing key or bucket, `STORE_CORRUPT` for bytes
 * that do not fit their stored checksum, or are too many.
 */
export interface ObjectStore {
  /**
   * Writes an object whole or not at all, checksum verified by the server.
   * @returns `'exists'` if `ifAbsent` was set and the key holds *other* bytes; `'written'` if it now holds these bytes
   * (also when an earlier, unanswered attempt of ours had already stored them).
   */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<'written' | 'exists'>;
  /**
   * Writes an object whose size is not known yet, whole or not at all, over what is there. A few parts of it are in memory at a time.
   * @returns its size in bytes
   * @throws what `put` rejects with, and what the iteration throws
   */
  putStream(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<number>;
  get(key: string, options?: GetOptions): Promise<Uint8Array>;
  /** `undefined` when the key does not exist. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /** All objects under a prefix, in key order. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): Promise<ObjectInfo[]>;
  /** Deleting a missing key succeeds. */
  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Deletes many, in no order and not as one act: where it fails, some are gone. Missing keys succeed. */
  deleteAll(keys: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Uploads in parts that were begun under a prefix and neither completed nor aborted. */
  listUploads(prefix: string): Promise<UnfinishedUpload[]>;
  /** Gives an unfinished upload up; one that is over already succeeds too. */
  abortUpload(upload: UnfinishedUpload): Promise<void>;
  /** For messages: endpoint, bucket and prefix; never credentials. */
  describe(): string;
}
