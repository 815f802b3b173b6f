import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  type ErrorCode,
  type ExampleShard,
  type Logger,
  type ObjectStore,
} from '@berth/contracts';
import { readExampleShard, type KeepNumbers, type StoredTaskExamples } from '@berth/data';
import type { ExampleIndex, ExampleShardName } from '@berth/queue';
import type { ExampleReader, ExampleShardsPort, HeldOutExamples } from '@berth/training';
import type { ByteGate } from './byte-gate.ts';

export interface ExampleShardsOptions {
  /** How the shards are read. */
  readonly format: StoredTaskExamples;
  /** Whether all epochs have the shards of the first. */
  readonly areSameEachEpoch: boolean;
  /** Shards of the held-out examples. */
  readonly numHeldOutShards: number;
  readonly index: ExampleIndex;
  readonly store: ObjectStore;
  /** Longest wait for a shard to be made. */
  readonly timeoutMs: number;
  /** Open shards kept; a shuffle window and the start of the next. */
  readonly numKept: number;
  /** Where what is long of an open shard is kept. */
  readonly keep: KeepNumbers;
  /** Through which shards come into memory. */
  readonly gate: ByteGate;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

const pollMs = 100;

/** Example shards from the bucket, verified, kept open while they are in use. */
export interface ExampleShards extends ExampleShardsPort {
  heldOut(): Promise<HeldOutExamples>;
}

export function createExampleShards(options: ExampleShardsOptions): ExampleShards {
  const { index, store, format, numKept, keep, gate, signal, logger } = options;
  const known = new Map<string, Promise<ExampleShard>>();
  const open = new Map<string, Promise<ExampleReader>>();

  const find = (name: ExampleShardName): Promise<ExampleShard> =>
    remember(known, keyOf(name), () => waitForShard(index, name, options));

  /** What lies far behind is not asked for again, unless training goes back. */
  const forgetBefore = (epoch: number): void => {
    for (const key of known.keys())
      if (key.startsWith('train/') && Number(key.split('/')[1]) < epoch) known.delete(key);
  };

  /**
   * A shard can be made again: one that is gone from the bucket, or damaged, is asked for like one that never was. What is
   * damaged once more is not the bucket's fault.
   */
  const readFound = async (name: ExampleShardName): Promise<ExampleReader> => {
    for (let numDamaged = 0; ;) {
      const shard = await find(name);
      try {
        return await gate(shard.sizeBytes, () => readExampleShard(store, shard, format, keep));
      } catch (error) {
        if (!isBerthError(error) || !lost.has(error.code)) throw error;
        if (error.code !== 'STORE_NOT_FOUND') {
          if (++numDamaged > 1) throw error;
          await store.delete(shard.key);
        }
        const reason = error.message;
        logger.warn('An example shard is lost; it is made again', { shard: keyOf(name), reason });
        known.delete(keyOf(name));
        await index.forget(name);
        await sleep(pollMs);
        signal.throwIfAborted();
      }
    }
  };

  const read = (name: ExampleShardName): Promise<ExampleReader> => {
    const key = keyOf(name);
    const reader = remember(open, key, async () =>
      throughOutages(async () => readFound(name), options),
    );
    // Least recently used first.
    open.delete(key);
    open.set(key, reader);
    for (const oldest of open.keys()) {
      if (open.size <= numKept) break;
      open.delete(oldest);
    }
    return reader;
  };

  const inTrain = (epoch: number, shard: number): ExampleShardName => ({
    split: 'train',
    epoch: options.areSameEachEpoch ? 0 : epoch,
    shard,
  });

  return {
    async count(epoch, shard) {
      forgetBefore(epoch - 1);
      return (await find(inTrain(epoch, shard))).numExamples;
    },
    open: (epoch, shard) => read(inTrain(epoch, shard)),
    async heldOut() {
      const names = Array.from(
        { length: options.numHeldOutShards },
        (_, shard): ExampleShardName => ({ split: 'heldOut', epoch: 0, shard }),
      );
      const ends: number[] = [];
      for (const name of names) ends.push((ends.at(-1) ?? 0) + (await find(name)).numExamples);
      return {
        numExamples: ends.at(-1) ?? 0,
        async rowOf(example) {
          const shard = ends.findIndex((end) => example < end);
          const reader = await read(names[shard]!);
          return { reader, example: example - (ends[shard - 1] ?? 0) };
        },
      };
    },
  };
}

async function waitForShard(
  index: ExampleIndex,
  name: ExampleShardName,
  { timeoutMs, signal }: ExampleShardsOptions,
): Promise<ExampleShard> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const shard = await throughOutages(() => index.get(name), { timeoutMs, signal });
    if (shard !== undefined) return shard;
    if (performance.now() > deadlineMs)
      throw new BerthError(
        'WORKER_TIMEOUT',
        `Example shard ${keyOf(name)} was not made within ${timeoutMs} ms`,
      );
    await sleep(pollMs);
  }
}

/** Repeats what fails because Redis or the bucket is away, up to the limit: training waits rather than starting over. */
export async function throughOutages<T>(
  work: () => Promise<T>,
  { timeoutMs, signal }: Pick<ExampleShardsOptions, 'timeoutMs' | 'signal'>,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;)
    try {
      return await work();
    } catch (error) {
      const passes = isBerthError(error) && outages.has(error.code);
      if (!passes || signal.aborted || performance.now() > deadlineMs) throw error;
      await sleep(pollMs);
    }
}

/** Of what can be made again: it is gone, or damaged. */
export const lost: ReadonlySet<ErrorCode> = new Set([
  'STORE_NOT_FOUND',
  'STORE_CORRUPT',
  'DATA_SHARD_CORRUPT',
]);
const outages: ReadonlySet<ErrorCode> = new Set([
  'STORE_UNREACHABLE',
  'STORE_FULL',
  'QUEUE_UNREACHABLE',
]);

/** One promise per key; a failed one is forgotten, so that it can be tried again. */
function remember<T>(
  map: Map<string, Promise<T>>,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = make();
  map.set(key, made);
  made.catch(() => map.delete(key));
  return made;
}

function keyOf({ split, epoch, shard }: ExampleShardName): string {
  return `${split}/${epoch}/${shard}`;
}
