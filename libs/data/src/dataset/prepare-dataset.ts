import type { DatasetFlowJob, DatasetJob, JobFlow, ObjectStore } from '@berth/contracts';
import { decideNext } from '../preparation/decide-next.ts';
import { doDatasetJob, putRequest } from '../preparation/do-dataset-job.ts';
import { optionsIdOf } from '../preparation/make-vocabulary.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { takeAnswer } from '../preparation/take-answer.ts';
import { lookWhatIsThere } from '../preparation/what-is-there.ts';

export interface PrepareOptions extends StageOptions {
  /** Told when a job begins. */
  readonly onJob?: (job: DatasetFlowJob) => void;
}

/**
 * Makes a dataset in this process, by the jobs that a cluster does, one after the other. The same corpus and settings give the same
 * dataset at the same key. A known dataset that was made of the same data is the result, for the price of hashing the files.
 * @returns the key of its manifest
 * @throws BerthError `DATA_CORPUS_*`, also when a file changes meanwhile, `DATA_VOCABULARY_*` or `DATA_UNSUITABLE`; `DATA_MISMATCH`
 * naming what has changed when the known dataset was trained on
 */
export async function prepareDataset(
  request: DatasetJob,
  store: ObjectStore,
  options: PrepareOptions = {},
): Promise<string> {
  const asked = { request, requestId: await putRequest(store, request), keepsText: false };
  let answers: ReturnType<typeof takeAnswer> = {};
  while (answers.manifestKey === undefined) {
    const there = await lookWhatIsThere(store, answers, optionsIdOf(request, answers.given));
    const next = decideNext(asked, answers, there);
    if (next.kind === 'there') return next.manifestKey;
    answers = takeAnswer(answers, next.flow.job, await doFlow(next.flow, store, options));
  }
  return answers.manifestKey;
}

/** @returns what the job answers that all others come before */
async function doFlow(
  { job, after = [] }: JobFlow<DatasetFlowJob>,
  store: ObjectStore,
  options: PrepareOptions,
): Promise<unknown> {
  for (const before of after) await doFlow(before, store, options);
  options.onJob?.(job);
  return doDatasetJob(job, store, options);
}
