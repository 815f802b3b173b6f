import {
  BerthError,
  type Cursor,
  type DatasetManifest,
  type ExampleShard,
  type ExamplesJob,
  type RunConfig,
} from '@berth/contracts';
import { epochShardOrder } from '@berth/data';
import { createExampleIndex, type JobProducer, type RedisConnection } from '@berth/queue';
import { planReadAhead } from './read-ahead.ts';

export interface ExampleSupplyOptions {
  readonly connection: RedisConnection;
  readonly jobs: JobProducer;
  readonly config: RunConfig;
  readonly manifest: DatasetManifest;
  readonly manifestKey: string;
  readonly exampleSetId: string;
}

const lookEveryMs = 500;

/** Keeps example jobs a bounded number of shards ahead of training. */
export class ExampleSupply {
  readonly #options: ExampleSupplyOptions;
  readonly #index;
  /** Known counts by epoch and shard; a shard's count never changes. */
  readonly #counts = new Map<string, number>();
  /** Jobs whose result is not in the index yet. */
  readonly #pending = new Map<string, Pick<ExampleShard, 'split' | 'epoch' | 'shard'>>();
  #lastLookMs = -Infinity;

  constructor(options: ExampleSupplyOptions) {
    this.#options = options;
    this.#index = createExampleIndex(options.connection, options.exampleSetId);
  }

  /**
   * Makes sure that what comes after the cursor exists or is on its way. Looks at most twice a second.
   * @throws BerthError with which an example job failed
   */
  async advance(cursor: Cursor, numExamplesNeeded: number): Promise<void> {
    if (performance.now() - this.#lastLookMs < lookEveryMs) return;
    this.#lastLookMs = performance.now();
    const { examples, seed } = this.#options.config;
    await this.#settlePending();
    await this.#want({ split: 'heldOut', epoch: 0, shard: 0 }, 1);
    const numShards = this.#numShards;
    const wanted = planReadAhead(
      {
        cursor,
        numExamplesNeeded,
        countOf: (epoch, shard) => this.#counts.get(`${epoch}/${shard}`),
      },
      {
        numShards,
        windowShards: examples.shuffleWindowShards,
        readAheadShards: Math.max(
          examples.readAheadShards,
          Math.min(numShards, examples.shuffleWindowShards),
        ),
        orderOf: (epoch) => [...epochShardOrder(seed, epoch, numShards)],
      },
    );
    for (const [order, { epoch, shard }] of wanted.entries())
      await this.#want({ split: 'train', epoch, shard }, 2 + order);
  }

  /** Shards of epoch 0, and the held-out one, that do not exist yet. */
  async numMissingOfFirstEpoch(): Promise<number> {
    const names = Array.from({ length: this.#numShards }, (_, shard) => ({
      split: 'train' as const,
      epoch: 0,
      shard,
    }));
    const found = await this.#index.getAll([...names, { split: 'heldOut', epoch: 0, shard: 0 }]);
    return found.filter((shard) => shard === undefined).length;
  }

  get #numShards(): number {
    return this.#options.manifest.train.length;
  }

  async #want(
    name: Pick<ExampleShard, 'split' | 'epoch' | 'shard'>,
    priority: number,
  ): Promise<void> {
    const key = `${name.epoch}/${name.shard}`;
    if (name.split === 'train' && this.#counts.has(key)) return;
    if ([...this.#pending.values()].some((other) => sameShard(other, name))) return;
    const known = await this.#index.get(name);
    if (known !== undefined) {
      if (name.split === 'train') this.#counts.set(key, known.numExamples);
      return;
    }
    const { manifestKey, exampleSetId, config } = this.#options;
    const { seed, examples } = config;
    const job: ExamplesJob = {
      kind: 'examples',
      exampleSetId,
      manifestKey,
      ...name,
      seed,
      examples,
    };
    this.#pending.set(await this.#options.jobs.enqueue(job, { priority, again: true }), name);
  }

  async #settlePending(): Promise<void> {
    const names = [...this.#pending];
    const found = await this.#index.getAll(names.map(([, name]) => name));
    for (const [position, [jobId, name]] of names.entries()) {
      const shard = found[position];
      if (shard !== undefined) {
        this.#pending.delete(jobId);
        if (name.split === 'train')
          this.#counts.set(`${name.epoch}/${name.shard}`, shard.numExamples);
      } else await this.#failWithJob(jobId);
    }
  }

  async #failWithJob(jobId: string): Promise<void> {
    try {
      await this.#options.jobs.waitForJob(jobId, { timeoutMs: 0 });
    } catch (error) {
      const code = error instanceof BerthError ? error.code : undefined;
      if (code === 'WORKER_TIMEOUT') return;
      // Redis came back without the job: ask for it again at the next look.
      if (code === 'QUEUE_UNREACHABLE') this.#pending.delete(jobId);
      throw error;
    }
  }
}

function sameShard(
  a: Pick<ExampleShard, 'split' | 'epoch' | 'shard'>,
  b: Pick<ExampleShard, 'split' | 'epoch' | 'shard'>,
): boolean {
  return a.split === b.split && a.epoch === b.epoch && a.shard === b.shard;
}
