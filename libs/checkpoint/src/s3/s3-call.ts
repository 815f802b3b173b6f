import type { S3Client } from '@aws-sdk/client-s3';

/**
 * One call to the service: given the client, a signal and whom to tell that bytes move, and repeated until it succeeds, fails
 * for good or is late.
 */
export type S3Call = <T>(
  name: string,
  run: (client: S3Client, signal: AbortSignal, progressed: () => void) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;
