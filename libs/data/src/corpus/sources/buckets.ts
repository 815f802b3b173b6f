import { BerthError } from '@berth/contracts';
import type { CorpusObjects } from './corpus-objects.ts';

/** Whether a path leads into a bucket. */
export function isInBucket(path: string): boolean {
  return path.startsWith('s3://');
}

/** @throws BerthError `DATA_CORPUS_INVALID` where buckets cannot be read */
export function requireBuckets(path: string, s3: CorpusObjects | undefined): CorpusObjects {
  if (s3 !== undefined) return s3;
  throw new BerthError('DATA_CORPUS_INVALID', `corpus ${path}: buckets are read by workers only`, {
    details: { path },
  });
}
