import {
  BerthError,
  type ExampleShard,
  type LabelledDataset,
  type LabelledDatasetJob,
  type ObjectStore,
} from '@berth/contracts';
import type { JobProducer } from '@berth/queue/jobs';
import { createExampleIndex, type RedisConnection } from '@berth/queue';

export interface LabelledSupplyOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
  readonly dataset: LabelledDataset;
  /** That made the dataset, and makes what is lost of it again. */
  readonly job: LabelledDatasetJob;
}

const pollEveryMs = 500;

/**
 * Keeps the shards of labelled examples known to those who read them: whoever finds one lost or damaged takes it out of the index, as
 * does a Redis that lost it.
 */
export class LabelledSupply {
  readonly #options: LabelledSupplyOptions;
  readonly #index;
  readonly #shards: readonly ExampleShard[];
  #lastPollMs = -Infinity;
  #lacking = '';
  /** Makes lost shards again. */
  #jobId: string | undefined;

  constructor(options: LabelledSupplyOptions) {
    this.#options = options;
    const { train, heldOut, exampleSetId } = options.dataset;
    this.#index = createExampleIndex(options.connection, exampleSetId);
    this.#shards = [...train, heldOut];
  }

  /**
   * Looks at most twice a second.
   * @returns what is missing, in words; '' for nothing
   * @throws BerthError with which the job failed that was to make it again
   */
  async advance(): Promise<string> {
    if (performance.now() - this.#lastPollMs < pollEveryMs) return this.#lacking;
    this.#lastPollMs = performance.now();
    const found = await this.#index.getAll(this.#shards);
    const unknown = this.#shards.filter((_, position) => found[position] === undefined);
    const lost: ExampleShard[] = [];
    for (const shard of unknown)
      if (await this.#isLost(shard)) lost.push(shard);
      else await this.#index.put(shard);
    if (lost.length === 0) this.#jobId = undefined;
    else if (this.#jobId === undefined) await this.#makeAgain();
    else await this.#failWithJob(this.#jobId);
    this.#lacking =
      lost.length === 0 ? '' : `making ${lost.length} lost shards of labelled examples again`;
    return this.#lacking;
  }

  /** What is told of held-out rows goes with their shard. */
  async #isLost({ split, key }: ExampleShard): Promise<boolean> {
    const { store, dataset } = this.#options;
    const keys = split === 'heldOut' ? [key, dataset.heldOutRows.key] : [key];
    for (const one of keys) if ((await store.head(one)) === undefined) return true;
    return false;
  }

  async #makeAgain(): Promise<void> {
    const { jobs, job } = this.#options;
    this.#jobId = await jobs.enqueue({ ...job, askedAtMs: Date.now() }, { again: true });
  }

  async #failWithJob(jobId: string): Promise<void> {
    try {
      await this.#options.jobs.waitForJob(jobId, { timeoutMs: 0 });
      // It is done, and something was lost since.
      this.#jobId = undefined;
    } catch (error) {
      if (error instanceof BerthError && error.code === 'WORKER_TIMEOUT') return;
      this.#jobId = undefined;
      throw error;
    }
  }
}
