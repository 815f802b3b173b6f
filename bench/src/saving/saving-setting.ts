import type { ModelSize } from '@berth/contracts';

/** What `checkpoint.ts` measures with. */
export interface SavingSetting {
  readonly size: ModelSize;
  readonly batchSize: number;
  readonly numThreads: number;
  /** Saves that are measured, each with as many steps beside it as it lasts, and as many without. */
  readonly numSaves: number;
  /** How long the bucket is away; 0: not measured. */
  readonly outageMs: number;
}
