import { BerthError, type Cursor } from '@berth/contracts';
import { windowOrder, windowShards } from './epoch-order.ts';
import type { EpochShards } from './epoch-shards.ts';

/** One example of the stream: where it is stored. */
export interface ExampleRef {
  readonly epoch: number;
  readonly shard: number;
  readonly example: number;
}

export interface SamplerOptions {
  readonly seed: number;
  readonly shardsOf: EpochShards;
  /** Shards whose examples are mixed together. */
  readonly windowShards: number;
  /**
   * Examples of a shard in an epoch, at least 1, always the same answer. Asked once for each shard of the cursor's
   * window and of those before it in the epoch, and for no later one.
   */
  readonly counts: (epoch: number, shard: number) => Promise<number>;
}

/**
 * The one order in which examples are used: epoch after epoch without a seam, a pure function of the seed and the
 * shard sizes. A cursor is a place in it; batches, workers and interruptions change nothing.
 */
export interface Sampler {
  /** The `count` examples from the cursor on, and the cursor after them. They may run on into later epochs. */
  locate(cursor: Cursor, count: number): Promise<{ examples: ExampleRef[]; next: Cursor }>;
  /** The cursor `numExamples` further on, without visiting them. The end of an epoch is written as the start of the next. */
  advance(cursor: Cursor, numExamples: number): Promise<Cursor>;
  /** The shards that are mixed together next, after those of the cursor's own window. */
  shardsAfter(cursor: Cursor): Promise<{ readonly epoch: number; readonly shard: number }[]>;
}

/** The shards that are mixed together. `shardStarts` are prefix sums: where each shard's examples begin. */
interface Window {
  readonly epoch: number;
  readonly index: number;
  readonly isLast: boolean;
  readonly shards: Uint32Array;
  readonly shardStarts: Uint32Array;
  readonly size: number;
}

/** Before example `offset` of a window, or at its end; the window begins at `start` of its epoch. */
interface Place {
  readonly window: Window;
  readonly start: number;
  readonly offset: number;
}

/** That of the cursor, the one before, and those after it that a step or a look ahead may reach. */
const numEpochsKept = 4;

/** @throws BerthError `DATA_CORPUS_EMPTY` from its methods when an epoch has no examples. */
export function createSampler(options: SamplerOptions): Sampler {
  const { seed, counts } = options;
  /** Of the epochs that were visited last, each cut into windows. */
  const epochs = new Map<number, Uint32Array[]>();
  const windows = new Map<string, Promise<Window>>();
  /** Where a window began that was found last: what lies behind it need not be visited again. */
  let found: Pick<Place, 'window' | 'start'> | undefined;
  let mixed: { window: Window; order: Uint32Array } | undefined;

  function shardsOf(epoch: number): Uint32Array[] {
    const known = epochs.get(epoch);
    if (known !== undefined) return known;
    const shards = windowShards(options.shardsOf(epoch), options.windowShards);
    epochs.set(epoch, shards);
    for (const oldest of epochs.keys()) {
      if (epochs.size <= numEpochsKept) break;
      epochs.delete(oldest);
      for (const key of windows.keys()) if (key.startsWith(`${oldest}/`)) windows.delete(key);
    }
    return shards;
  }

  function windowAt(epoch: number, index: number): Promise<Window> {
    const all = shardsOf(epoch);
    const key = `${epoch}/${index}`;
    const known = windows.get(key);
    if (known !== undefined) return known;
    const measured = measure(all, epoch, index);
    windows.set(key, measured);
    measured.catch(() => windows.delete(key));
    return measured;
  }

  async function measure(all: Uint32Array[], epoch: number, index: number): Promise<Window> {
    const shards = all[index]!;
    const sizes = await Promise.all(Array.from(shards, (shard) => counts(epoch, shard)));
    const shardStarts = new Uint32Array(shards.length + 1);
    for (const [i, size] of sizes.entries()) shardStarts[i + 1] = shardStarts[i]! + size;
    const isLast = index === all.length - 1;
    return { epoch, index, isLast, shards, shardStarts, size: shardStarts.at(-1)! };
  }

  async function after({ window, start }: Place): Promise<Place> {
    const { epoch, index, isLast, size } = window;
    if (!isLast)
      return { window: await windowAt(epoch, index + 1), start: start + size, offset: 0 };
    if (start + size === 0)
      throw new BerthError(
        'DATA_CORPUS_EMPTY',
        `epoch ${epoch} has no examples in any shard; prepare the dataset again from a corpus with text`,
      );
    return { window: await windowAt(epoch + 1, 0), start: 0, offset: 0 };
  }

  async function find({ epoch, index }: Cursor): Promise<Place> {
    const { window, start } =
      found?.window.epoch === epoch && found.start <= index
        ? found
        : { window: await windowAt(epoch, 0), start: 0 };
    let place: Place = { window, start, offset: index - start };
    while (place.offset > place.window.size) {
      const rest = place.offset - place.window.size;
      place = { ...(await after(place)), offset: rest };
    }
    found = place;
    return place;
  }

  function orderOf(window: Window): Uint32Array {
    if (mixed?.window !== window) {
      mixed = { window, order: windowOrder(seed, window.epoch, window.index, window.size) };
    }
    return mixed.order;
  }

  return {
    advance: async ({ epoch, index }, numExamples) =>
      cursorOf(await find({ epoch, index: index + numExamples })),
    shardsAfter: async (cursor) => {
      const { epoch, index, isLast } = (await find(cursor)).window;
      const next = isLast ? { epoch: epoch + 1, index: 0 } : { epoch, index: index + 1 };
      return Array.from(shardsOf(next.epoch)[next.index]!, (shard) => ({
        epoch: next.epoch,
        shard,
      }));
    },
    locate: async (cursor, count) => {
      const examples: ExampleRef[] = [];
      let place = await find(cursor);
      while (examples.length < count) {
        if (place.offset === place.window.size) place = await after(place);
        const { window, offset } = place;
        const order = orderOf(window);
        const end = Math.min(window.size, offset + count - examples.length);
        for (let i = offset; i < end; i++) examples.push(exampleOf(window, order[i]!));
        place = { ...place, offset: end };
      }
      return { examples, next: cursorOf(place) };
    },
  };
}

/** Needs no size of a later window, so the last cursor of a run does not wait for shards that nobody makes. */
function cursorOf({ window, start, offset }: Place): Cursor {
  const isEpochEnd = window.isLast && offset === window.size;
  return isEpochEnd
    ? { epoch: window.epoch + 1, index: 0 }
    : { epoch: window.epoch, index: start + offset };
}

function exampleOf({ epoch, shards, shardStarts }: Window, index: number): ExampleRef {
  let i = 0;
  while (index >= shardStarts[i + 1]!) i++;
  return { epoch, shard: shards[i]!, example: index - shardStarts[i]! };
}
