import { Worker } from 'node:worker_threads';
import { orAborted, type Job, type JobProgress, type Logger } from '@berth/contracts';
import type { WorkerEnvironment } from '../environment.ts';
import { writeForwarded, type ForwardedRecord } from './forwarded-log.ts';
import { ThreadCaller } from './thread-rpc.ts';

export type DataThreadData = Pick<WorkerEnvironment, 'services' | 'corpus' | 'scratchFolder'>;

export interface JobOptions {
  /** Told how far the job is, for people. */
  readonly tell: (progress: JobProgress | string) => void;
  /** Ends the job at once when it aborts, wherever it is. */
  readonly signal: AbortSignal;
}

/** The thread that does the jobs of the queue, which are long stretches of computation. */
export interface DataThread {
  /** @throws the signal's reason once it has aborted */
  process(job: Job, options: JobOptions): Promise<unknown>;
  /** Never resolves; rejects when the thread ends unasked. */
  readonly death: Promise<never>;
  close(): Promise<void>;
}

interface Running {
  readonly thread: Worker;
  readonly caller: ThreadCaller;
}

export async function startDataThread(
  { services, corpus, scratchFolder }: DataThreadData,
  logger: Logger,
): Promise<DataThread> {
  const workerData: DataThreadData = { services, corpus, scratchFolder };
  let told: JobOptions['tell'] = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const death = new Promise<never>((_, reject) => (fail = reject));
  death.catch(() => undefined);
  let running = await start();

  async function start(): Promise<Running> {
    const thread = new Worker(new URL('./data-thread.js', import.meta.url), { workerData });
    const caller = new ThreadCaller(thread, 'The data thread', ({ event, args }) => {
      if (event === 'log') writeForwarded(logger, args as unknown as ForwardedRecord);
      else told(args[0] as JobProgress | string);
    });
    const started = { thread, caller };
    caller.death.catch((error: unknown) => started === running && fail(error));
    await caller.call('ping', []);
    return started;
  }

  /** A thread that computes hears of nothing: another takes its place. */
  async function startAnew(): Promise<void> {
    const before = running;
    running = await start();
    await before.thread.terminate();
  }

  return {
    async process(job, { tell, signal }) {
      signal.throwIfAborted();
      told = tell;
      try {
        return await orAborted(running.caller.call('process', [job]), signal);
      } catch (error) {
        if (signal.aborted) await startAnew();
        throw error;
      }
    },
    death,
    async close() {
      await running.thread.terminate();
    },
  };
}
