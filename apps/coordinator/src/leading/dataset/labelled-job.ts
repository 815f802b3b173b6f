import { isBerthError, type LabelledDatasetJob } from '@berth/contracts';
import { isAlive } from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import type { Members } from '@berth/queue';
import type { DatasetLook, DatasetMaking } from './dataset-flow.ts';
import { waitingFor } from './waiting-for.ts';

export interface LabelledJobOptions {
  readonly jobs: Pick<JobProducer, 'enqueue' | 'waitForJob' | 'progressOf'>;
  readonly members: Pick<Members, 'survey'>;
}

/** While the worker that has the job has said nothing of it. */
const opens = 'opening the files';

/** Has the dataset of a fine-tuning made by one job. */
export class LabelledJob implements DatasetMaking {
  readonly #options: LabelledJobOptions;
  readonly #job: LabelledDatasetJob;
  #id: string | undefined;

  constructor(options: LabelledJobOptions, job: LabelledDatasetJob) {
    this.#options = options;
    this.#job = job;
  }

  async look(): Promise<DatasetLook> {
    const { jobs, members } = this.#options;
    // Once: to ask again for a job that failed would start it over before its error is read.
    this.#id ??= await jobs.enqueue(this.#job);
    try {
      return (await jobs.waitForJob(this.#id, { timeoutMs: 0 })) as { manifestKey: string };
    } catch (error) {
      if (!isBerthError(error) || error.code !== 'WORKER_TIMEOUT') {
        this.#id = undefined;
        throw error;
      }
    }
    const progress = await jobs.progressOf(this.#id);
    if (progress !== undefined) return { reason: progress || opens };
    const { live, unreadable } = await members.survey({ forget: false });
    return { reason: waitingFor(live.filter(isAlive).length + unreadable.length) };
  }
}
