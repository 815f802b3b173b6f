import {
  BerthError,
  type Cursor,
  type DatasetManifest,
  type ExamplesJob,
  type RunConfig,
} from '@berth/contracts';
import { epochShardsOf, type EpochShards } from '@berth/data';
import type { JobProducer } from '@berth/queue/jobs';
import { createExampleIndex, type ExampleShardName, type RedisConnection } from '@berth/queue';
import { lastEpochNeeded, planReadAhead } from './read-ahead.ts';

export interface ExampleSupplyOptions {
  readonly connection: RedisConnection;
  readonly jobs: JobProducer;
  readonly config: RunConfig;
  readonly manifest: DatasetManifest;
  readonly manifestKey: string;
  readonly exampleSetId: string;
  readonly exampleFormat?: string | undefined;
}

const pollEveryMs = 500;
/** Before the first look. */
const noWindow = { numShards: 0, numThere: 0 };

/** Keeps example jobs a bounded number of shards ahead of training. */
export class ExampleSupply {
  readonly #options: ExampleSupplyOptions;
  readonly #index;
  readonly #shardsOf: EpochShards;
  /** Known counts by epoch and shard; a shard's count never changes. */
  readonly #counts = new Map<string, number>();
  /** Shards in the index at the last look. */
  #numIndexed = 0;
  /** Jobs whose result is not in the index yet. */
  readonly #pending = new Map<string, ExampleShardName>();
  #lastPollMs = -Infinity;
  /** What the next step reads, at the last look. */
  #window = noWindow;

  constructor(options: ExampleSupplyOptions) {
    this.#options = options;
    this.#index = createExampleIndex(options.connection, options.exampleSetId);
    const { manifest, config } = options;
    this.#shardsOf = epochShardsOf({ ...manifest, ...config.examples, seed: config.seed });
  }

  /**
   * Makes sure that what comes after the cursor exists or is on its way. Looks at most twice a second.
   * @throws BerthError with which an example job failed
   */
  async advance(cursor: Cursor, numExamplesNeeded: number): Promise<void> {
    if (performance.now() - this.#lastPollMs < pollEveryMs) return;
    this.#lastPollMs = performance.now();
    const { examples } = this.#options.config;
    await this.#forgetIfLost();
    await this.#settlePending();
    const numShards = this.#options.manifest.train.length;
    const wanted = planReadAhead(
      { cursor, numExamplesNeeded, countOf: this.#countOf },
      {
        windowShards: examples.shuffleWindowShards,
        readAheadShards: Math.max(
          examples.readAheadShards,
          Math.min(numShards, examples.shuffleWindowShards),
        ),
        orderOf: this.#orderOf,
      },
    );
    await this.#want([
      { split: 'heldOut', epoch: 0, shard: 0 },
      ...wanted.map(({ epoch, shard }) => ({ split: 'train' as const, epoch, shard })),
    ]);
  }

  /** The epoch of the last of some examples; undefined while it depends on shards that are not made. */
  lastEpoch(cursor: Cursor, numExamplesNeeded: number): number | undefined {
    return lastEpochNeeded(
      { cursor, numExamplesNeeded, countOf: this.#countOf },
      { orderOf: this.#orderOf },
    );
  }

  /** How far the shards are that the next step waits for, in words; '' when all were there at the last look. */
  lacking(): string {
    const { numShards, numThere } = this.#window;
    return numThere < numShards ? `making examples: ${numThere} of ${numShards} shards` : '';
  }

  /** Shards of epoch 0, and the held-out one, that do not exist yet. */
  async numMissingOfFirstEpoch(): Promise<number> {
    const names = this.#orderOf(0).map((shard) => ({ split: 'train' as const, epoch: 0, shard }));
    const found = await this.#index.getAll([...names, { split: 'heldOut', epoch: 0, shard: 0 }]);
    return found.filter((shard) => shard === undefined).length;
  }

  readonly #countOf = (epoch: number, shard: number): number | undefined =>
    this.#counts.get(`${epoch}/${shard}`);

  readonly #orderOf = (epoch: number): readonly number[] => [...this.#shardsOf(epoch)];

  /** An index that has become shorter has lost shards that we know: all are read again. */
  async #forgetIfLost(): Promise<void> {
    const numIndexed = await this.#index.count();
    if (numIndexed < this.#numIndexed) this.#counts.clear();
    this.#numIndexed = numIndexed;
  }

  /** Asks for those that do not exist, in the order of need. Those that did are looked at again: Redis may have lost them. */
  async #want(names: readonly ExampleShardName[]): Promise<void> {
    const found = await this.#index.getAll(names);
    const { shuffleWindowShards } = this.#options.config.examples;
    // The held-out shard, and those of one epoch that examples are drawn from at once.
    const window = found.slice(0, 1 + shuffleWindowShards).filter((_, order) => {
      const name = names[order];
      return name?.split === 'heldOut' || name?.epoch === names[1]?.epoch;
    });
    const numThere = window.filter((shard) => shard !== undefined).length;
    this.#window = { numShards: window.length, numThere };
    for (const [order, name] of names.entries()) {
      const shard = found[order];
      const key = `${name.epoch}/${name.shard}`;
      if (shard !== undefined) {
        if (name.split === 'train') this.#counts.set(key, shard.numExamples);
        continue;
      }
      if (name.split === 'train') this.#counts.delete(key);
      if ([...this.#pending.values()].some((other) => sameShard(other, name))) continue;
      const { manifestKey, exampleSetId, exampleFormat, config } = this.#options;
      const { seed, examples } = config;
      const job: ExamplesJob = {
        kind: 'examples',
        exampleSetId,
        ...(exampleFormat !== undefined && { exampleFormat }),
        manifestKey,
        ...name,
        seed,
        examples,
      };
      const priority = 1 + order;
      this.#pending.set(await this.#options.jobs.enqueue(job, { priority, again: true }), name);
    }
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

function sameShard(a: ExampleShardName, b: ExampleShardName): boolean {
  return a.split === b.split && a.epoch === b.epoch && a.shard === b.shard;
}
