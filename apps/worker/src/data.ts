import { Worker } from 'node:worker_threads';
import type { Job, Services } from '@berth/contracts';
import { ThreadCaller } from './thread-rpc.ts';

export interface DataThreadData {
  readonly services: Services;
}

/** The thread that does the jobs of the queue, which are long stretches of computation. */
export interface DataThread {
  /** @param tell - told how far the job is, for people */
  process(job: Job, tell: (progress: string) => void): Promise<unknown>;
  /** Never resolves; rejects when the thread ends. */
  readonly death: Promise<never>;
  close(): Promise<void>;
}

export async function startDataThread(data: DataThreadData): Promise<DataThread> {
  const thread = new Worker(new URL('./data-thread.js', import.meta.url), { workerData: data });
  let told: (progress: string) => void = () => undefined;
  const caller = new ThreadCaller(thread, 'The data thread', ({ args }) => told(String(args[0])));
  await caller.call('ping', []);
  return {
    process: (job, tell) => {
      told = tell;
      return caller.call('process', [job]);
    },
    death: caller.death,
    async close() {
      await thread.terminate();
    },
  };
}
