import { CounterRandom, randomDomains } from '../random/counter-random.ts';
import { shuffle } from '../random/random-source.ts';

/** The shards of an epoch in the order in which training reads them. */
export function epochShardOrder(seed: number, epoch: number, numShards: number): Uint32Array {
  return permutation(numShards, CounterRandom.of(seed, randomDomains.shardOrder, epoch));
}

/** Cuts an epoch's shards into windows; the last one may be smaller. Examples are mixed within a window. */
export function windowShards(shardOrder: Uint32Array, shardsPerWindow: number): Uint32Array[] {
  const numWindows = Math.ceil(shardOrder.length / shardsPerWindow);
  return Array.from({ length: numWindows }, (_, window) =>
    shardOrder.slice(window * shardsPerWindow, (window + 1) * shardsPerWindow),
  );
}

/** The order of a window's examples, numbered through its shards. 4 bytes an example. */
export function windowOrder(
  seed: number,
  epoch: number,
  window: number,
  numExamples: number,
): Uint32Array {
  return permutation(numExamples, CounterRandom.of(seed, randomDomains.windowOrder, epoch, window));
}

/**
 * The training shard of the `index`-th training document: each run of `numShards` documents visits every shard once,
 * in an order of its own. So no shard is empty when there are as many documents, and the number of documents need not
 * be known. Asked for one document after the other, it makes each order once.
 */
export function shardsOfDocuments(seed: number, numShards: number): (index: number) => number {
  let known: { readonly run: number; readonly shards: Uint32Array } | undefined;
  return (index) => {
    const run = Math.floor(index / numShards);
    if (known?.run !== run) {
      const stream = CounterRandom.of(seed, randomDomains.documentShard, run);
      known = { run, shards: permutation(numShards, stream) };
    }
    return known.shards[index % numShards]!;
  };
}

/** The numbers below `length` in an order of chance. */
export function permutation(length: number, random: CounterRandom): Uint32Array {
  const items = new Uint32Array(length);
  for (let i = 0; i < length; i++) items[i] = i;
  shuffle(items, random);
  return items;
}
