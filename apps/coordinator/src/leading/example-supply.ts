import {
  BerthError,
  exampleShardField,
  heldOutShardsOf,
  type Cursor,
  type DatasetManifest,
  type ExampleShard,
  type ExamplesJob,
  type RunConfig,
} from '@berth/contracts';
import { epochShardsOf, type EpochShards } from '@berth/data';
import type { JobProducer } from '@berth/queue/jobs';
import { createExampleIndex, type ExampleShardName, type RedisConnection } from '@berth/queue';
import {
  lastEpochNeeded,
  planEpoch,
  planReadAhead,
  type ReadAheadOptions,
  type ShardRef,
} from './read-ahead.ts';

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
/** That of the cursor, and those that are read ahead. */
const numOrdersKept = 4;
/** Before the first look. */
const noWindow = { numShards: 0, numThere: 0 };

/** A shard that is being made. */
interface Pending {
  readonly jobId: string;
  readonly name: ExampleShardName;
}

/** Keeps example jobs a bounded number of shards ahead of training. */
export class ExampleSupply {
  readonly #options: ExampleSupplyOptions;
  readonly #index;
  readonly #shardsOf: EpochShards;
  /** Orders of the epochs that were looked at last. */
  readonly #orders = new Map<number, Uint32Array>();
  /** Known counts by epoch, then shard; a shard's count never changes. */
  readonly #counts = new Map<number, Map<number, number>>();
  /** Held-out shards that are there. */
  readonly #heldOut = new Set<number>();
  /** Shards in the index at the last look. */
  #numIndexed = 0;
  /** Jobs whose result is not in the index yet, by the shard's place in it. */
  readonly #pending = new Map<string, Pending>();
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
   * @param numExamples - how many are needed from the cursor on
   * @throws BerthError with which an example job failed
   */
  async advance(cursor: Cursor, numExamples: number): Promise<void> {
    const state = { cursor, numExamplesNeeded: numExamples, countOf: this.#countOf };
    await this.#advance(cursor.epoch, (options) => planReadAhead(state, options));
  }

  /** Makes sure that all of an epoch exists, or some of it is on its way, as `advance` does. */
  advanceEpoch(epoch: number): Promise<void> {
    return this.#advance(epoch, (options) => planEpoch(epoch, { countOf: this.#countOf }, options));
  }

  /** @param plan - the train shards that are wanted, once what is there is known */
  async #advance(epoch: number, plan: (options: ReadAheadOptions) => ShardRef[]): Promise<void> {
    if (performance.now() - this.#lastPollMs < pollEveryMs) return;
    this.#lastPollMs = performance.now();
    await this.#forgetIfLost();
    await this.#recall(epoch);
    await this.#settlePending();
    const { shuffleWindowShards, readAheadShards } = this.#options.config.examples;
    const numShards = this.#options.manifest.train.length;
    const wanted = plan({
      windowShards: shuffleWindowShards,
      readAheadShards: Math.max(readAheadShards, Math.min(numShards, shuffleWindowShards)),
      orderOf: this.#orderOf,
    });
    await this.#want([
      ...this.#heldOutNames(),
      ...wanted.map(({ epoch: of, shard }) => ({ split: 'train' as const, epoch: of, shard })),
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

  /** Shards of an epoch, and held-out ones, that did not exist at the last look. */
  numMissingOf(epoch: number): number {
    const order = this.#orderOf(epoch);
    const numMissing = order.filter((shard) => this.#countOf(epoch, shard) === undefined).length;
    return numMissing + this.#heldOutNames().length - this.#heldOut.size;
  }

  #heldOutNames(): ExampleShardName[] {
    const shards = heldOutShardsOf(this.#options.manifest);
    return Array.from(shards.keys(), (shard) => ({ split: 'heldOut', epoch: 0, shard }));
  }

  readonly #countOf = (epoch: number, shard: number): number | undefined =>
    this.#counts.get(epoch)?.get(shard);

  readonly #orderOf = (epoch: number): Uint32Array => {
    const known = this.#orders.get(epoch) ?? this.#shardsOf(epoch);
    this.#orders.delete(epoch);
    this.#orders.set(epoch, known);
    for (const oldest of this.#orders.keys()) {
      if (this.#orders.size <= numOrdersKept) break;
      this.#orders.delete(oldest);
    }
    return known;
  };

  /** An index that has become shorter has lost shards that we know: all are read again. */
  async #forgetIfLost(): Promise<void> {
    const numIndexed = await this.#index.count();
    if (numIndexed < this.#numIndexed) {
      this.#counts.clear();
      this.#heldOut.clear();
    }
    this.#numIndexed = numIndexed;
  }

  /** Reads at once what is known of an epoch that is begun: one that leads anew need not find it window by window. */
  async #recall(epoch: number): Promise<void> {
    if (this.#counts.has(epoch)) return;
    for (const other of this.#counts.keys()) if (other < epoch) this.#counts.delete(other);
    const names = Array.from(this.#orderOf(epoch), (shard) => trainShard(epoch, shard));
    const found = await this.#index.getAll(names);
    for (const [position, name] of names.entries()) this.#note(name, found[position]);
    if (!this.#counts.has(epoch)) this.#counts.set(epoch, new Map());
  }

  /** What the index says of a shard. */
  #note({ split, epoch, shard }: ExampleShardName, found: ExampleShard | undefined): void {
    if (split === 'heldOut') {
      if (found === undefined) this.#heldOut.delete(shard);
      else this.#heldOut.add(shard);
      return;
    }
    const ofEpoch = this.#counts.get(epoch) ?? new Map<number, number>();
    if (found === undefined) ofEpoch.delete(shard);
    else ofEpoch.set(shard, found.numExamples);
    if (ofEpoch.size > 0) this.#counts.set(epoch, ofEpoch);
  }

  /** Asks for those that do not exist, in the order of need. Those that did are looked at again: Redis may have lost them. */
  async #want(names: readonly ExampleShardName[]): Promise<void> {
    const found = await this.#index.getAll(names);
    const { shuffleWindowShards } = this.#options.config.examples;
    const numHeldOut = heldOutShardsOf(this.#options.manifest).length;
    // The held-out shards, and those of one epoch that examples are drawn from at once.
    const window = found.slice(0, numHeldOut + shuffleWindowShards).filter((_, order) => {
      const name = names[order];
      return name?.split === 'heldOut' || name?.epoch === names[numHeldOut]?.epoch;
    });
    const numThere = window.filter((shard) => shard !== undefined).length;
    this.#window = { numShards: window.length, numThere };
    for (const [order, name] of names.entries()) {
      const shard = found[order];
      this.#note(name, shard);
      if (shard !== undefined || this.#pending.has(fieldOf(name))) continue;
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
      const jobId = await this.#options.jobs.enqueue(job, { priority: 1 + order, again: true });
      this.#pending.set(fieldOf(name), { jobId, name });
    }
  }

  async #settlePending(): Promise<void> {
    const all = [...this.#pending];
    const found = await this.#index.getAll(all.map(([, { name }]) => name));
    for (const [position, [field, { name }]] of all.entries()) {
      const shard = found[position];
      if (shard === undefined) await this.#failWithJob(field);
      else {
        this.#pending.delete(field);
        this.#note(name, shard);
      }
    }
  }

  /** @throws BerthError with which the shard's job failed */
  async #failWithJob(field: string): Promise<void> {
    try {
      await this.#options.jobs.waitForJob(this.#pending.get(field)!.jobId, { timeoutMs: 0 });
    } catch (error) {
      const code = error instanceof BerthError ? error.code : undefined;
      if (code === 'WORKER_TIMEOUT') return;
      // Redis came back without the job: ask for it again at the next look.
      if (code === 'QUEUE_UNREACHABLE') this.#pending.delete(field);
      throw error;
    }
  }
}

function trainShard(epoch: number, shard: number): ExampleShardName {
  return { split: 'train', epoch, shard };
}

function fieldOf({ split, epoch, shard }: ExampleShardName): string {
  return exampleShardField(split, epoch, shard);
}
