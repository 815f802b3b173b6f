/** An object that text may be in. */
export interface CorpusObject {
  /** s3://bucket/key */
  readonly place: string;
  readonly sizeBytes: number;
  /** Its ETag. */
  readonly version: string;
}

/**
 * Buckets that text is read from. Calls reject with `STORE_*` as an object store's do.
 */
export interface CorpusObjects {
  /** The objects whose places begin with this, in order. */
  list(
    place: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<CorpusObject>;
  /**
   * The bytes from `start` on and before `end`, which the object has.
   * @returns undefined when the object is gone, or of another version
   */
  read(
    object: CorpusObject,
    range: {
      readonly start: number;
      readonly end: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Uint8Array | undefined>;
}
