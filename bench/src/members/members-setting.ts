import type { RunConfig } from '@berth/contracts';

/** What a thread with made-up workers is started with. */
export interface MadeUpWorkers {
  readonly memberIds: readonly string[];
  readonly redisUrl: string;
  readonly secret: string;
  readonly runId: string;
  readonly config: RunConfig;
}

/** Elements of the made-up model: few, as what is measured is not the network. */
export const numElements = 16_384;

/** Asked of all made-up workers: compute, or hold the step under way until told otherwise. */
export type Pace = 'train' | 'rest';

/** What a thread says: all of its workers stand by to take part in their run. */
export interface StandsBy {
  readonly standsByAtMs: number;
}
