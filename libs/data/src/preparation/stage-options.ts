import type { JobProgress } from '@berth/contracts';
import type { CorpusRoots } from '../corpus/corpus-roots.ts';
import type { CorpusObjects } from '../corpus/sources/corpus-objects.ts';

/** What the jobs of a dataset are done with. */
export interface StageOptions {
  /** Where text and vocabularies may be. @defaultValue everywhere */
  readonly roots?: CorpusRoots | undefined;
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  /** Folder of what was downloaded from the Hugging Face hub. */
  readonly hubCache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told at the start, and then after each document or megabyte. */
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
}
