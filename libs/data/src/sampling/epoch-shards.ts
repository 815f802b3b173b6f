import type { DatasetManifest, ExamplesConfig } from '@berth/contracts';
import { CounterRandom, randomDomains } from '../random/counter-random.ts';
import { epochShardOrder, permutation } from './epoch-order.ts';

/**
 * The shards that an epoch reads, in order. Where a dataset shard is read several times in an epoch, the later times have
 * numbers of their own: the dataset shard's is what is left when divided by how many there are (`datasetShardOf`).
 */
export type EpochShards = (epoch: number) => Uint32Array;

/** The dataset shard that a shard of an epoch is made of. */
export function datasetShardOf(shard: number, numDatasetShards: number): number {
  return shard % numDatasetShards;
}

/** What decides which shards an epoch reads. */
export interface EpochShardsOptions {
  readonly seed: number;
  readonly train: readonly Pick<DatasetManifest['train'][number], 'part' | 'numTokens'>[];
  readonly corpusWeights?: ExamplesConfig['corpusWeights'];
}

/** Shards of one part of the corpus, and how many of them an epoch takes, on average. */
interface PartOfMix {
  /** Among the parts of the dataset. */
  readonly index: number;
  readonly shards: readonly number[];
  readonly perEpoch: number;
}

/**
 * The shards of each epoch of a dataset: each once, in an order of its own, or by weights. By weights each part of the corpus is
 * read pass after pass, all its shards in one before any is read again, and epochs take from that as much as keeps the shares of
 * tokens, to within one shard of each part at any time. An epoch reads about as many shards as there are; their parts are spread evenly.
 */
export function epochShardsOf({ seed, train, corpusWeights }: EpochShardsOptions): EpochShards {
  if (corpusWeights === undefined) return (epoch) => epochShardOrder(seed, epoch, train.length);
  const parts = partsOfMix(train, corpusWeights);
  return (epoch) => {
    const slots = parts.flatMap((part) => slotsOf(part, epoch, seed, train.length));
    return Uint32Array.from(
      slots.sort((a, b) => a.place - b.place || a.part - b.part),
      ({ shard }) => shard,
    );
  };
}

function partsOfMix(
  train: EpochShardsOptions['train'],
  weights: Readonly<Record<string, number>>,
): PartOfMix[] {
  const names = [...new Set(train.map(({ part }) => part ?? ''))];
  const wanted = names.map((name, index) => {
    const shards = [...train.keys()].filter((shard) => (train[shard]!.part ?? '') === name);
    const numTokens = shards.reduce((sum, shard) => sum + train[shard]!.numTokens, 0);
    // A share of the tokens, as one of the shards.
    return {
      index,
      shards,
      share: ((weights[name] ?? 0) * shards.length) / Math.max(1, numTokens),
    };
  });
  const total = wanted.reduce((sum, { share }) => sum + share, 0);
  return wanted
    .filter(({ share }) => share > 0)
    .map(({ index, shards, share }) => ({
      index,
      shards,
      perEpoch: (train.length * share) / total,
    }));
}

interface Slot {
  readonly shard: number;
  readonly part: number;
  /** In the order of all epochs, as the number of epochs before it. */
  readonly place: number;
}

/** The slots of an epoch that a part has: those whose middle lies in it, were they spread evenly over all epochs. */
function slotsOf(
  { index, shards, perEpoch }: PartOfMix,
  epoch: number,
  seed: number,
  numShards: number,
): Slot[] {
  const before = (epochs: number): number => Math.floor(epochs * perEpoch + 0.5);
  const slots: Slot[] = [];
  const timesRead = new Map<number, number>();
  let order: { readonly pass: number; readonly shards: Uint32Array } | undefined;
  for (let slot = before(epoch); slot < before(epoch + 1); slot++) {
    const pass = Math.floor(slot / shards.length);
    if (order?.pass !== pass) {
      const random = CounterRandom.of(seed, randomDomains.passOrder, index, pass);
      order = { pass, shards: permutation(shards.length, random) };
    }
    const shard = shards[order.shards[slot % shards.length]!]!;
    const times = timesRead.get(shard) ?? 0;
    timesRead.set(shard, times + 1);
    slots.push({ shard: shard + times * numShards, part: index, place: (slot + 0.5) / perEpoch });
  }
  return slots;
}
