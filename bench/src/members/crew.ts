import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { MadeUpWorkers, Pace, StandsBy } from './members-setting.ts';

/** Starts workers in threads, some in each, and knows which of them are there. */
export class Crew {
  readonly #setting: Omit<MadeUpWorkers, 'memberIds'>;
  #threads: { readonly memberIds: readonly string[]; readonly thread: Worker }[] = [];
  #numStarted = 0;

  constructor(setting: Omit<MadeUpWorkers, 'memberIds'>) {
    this.#setting = setting;
  }

  get memberIds(): ReadonlySet<string> {
    return new Set(this.#threads.flatMap(({ memberIds }) => memberIds));
  }

  /** Starts some that can be killed together. @returns when they stood by */
  async add(count: number): Promise<number> {
    const memberIds = Array.from(
      { length: count },
      () => `worker-${String(this.#numStarted++).padStart(3, '0')}-abcdef`,
    );
    const thread = new Worker(new URL('./made-up-worker.js', import.meta.url), {
      workerData: { ...this.#setting, memberIds } satisfies MadeUpWorkers,
    });
    thread.on('error', (error) => {
      throw error;
    });
    this.#threads.push({ memberIds, thread });
    const [{ standsByAtMs }] = (await once(thread, 'message')) as [StandsBy];
    return standsByAtMs;
  }

  /** Ends some that were started together as a kill does: nothing of them is told to anybody. @returns when */
  async kill(count: number): Promise<number> {
    const victims = this.#threads.findLast(({ memberIds }) => memberIds.length === count);
    if (victims === undefined) throw new Error(`no ${count} members were started together`);
    this.#threads = this.#threads.filter((one) => one !== victims);
    const atMs = Date.now();
    await victims.thread.terminate();
    return atMs;
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#threads.map(({ thread }) => thread.terminate()));
  }

  pace(pace: Pace): void {
    for (const { thread } of this.#threads) thread.postMessage(pace, []);
  }
}

/** How many are most that die together here. */
export const numDyingTogether = 8;

/** So many that one can be killed alone, and where there are enough of them eight together. */
export function threadsOf(numMembers: number): number[] {
  const numTogether = Math.max(0, Math.floor(numMembers / numDyingTogether) - 1);
  const others = numMembers - numTogether * numDyingTogether - 1;
  return [...Array<number>(numTogether).fill(numDyingTogether), others, 1];
}
