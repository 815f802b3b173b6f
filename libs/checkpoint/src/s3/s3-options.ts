/** Where a bucket is, and how patiently it is asked. */
export interface S3ObjectStoreOptions {
  /** `http://host:port` or `https://...`; AWS when left out. */
  readonly endpoint?: string | undefined;
  /** Of the profile when left out. */
  readonly region?: string | undefined;
  readonly bucket: string;
  /** Put before every key, with a slash between. @defaultValue '' */
  readonly prefix?: string;
  /** Both keys or neither: then AWS's provider chain finds some, and renews those that expire. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
  /** Bucket in the path, not in the host name: what most services other than AWS want. @defaultValue with an endpoint */
  readonly forcePathStyle?: boolean;
  /** Longest one request may go without an answer or another mebibyte. @defaultValue 30000 */
  readonly requestTimeoutMs?: number;
  /** Longest one request and its repetitions may go so. @defaultValue 60000 */
  readonly deadlineMs?: number;
  /** Larger objects are uploaded in parts, so that less is sent again when a line breaks. @defaultValue 104857600 (100 MiB) */
  readonly multipartThresholdBytes?: number;
  /** At least 5 MiB, as S3 demands. @defaultValue 16777216 (16 MiB) */
  readonly partSizeBytes?: number;
}
