import {
  compareJobResultSchema,
  inventoryJobResultSchema,
  requireKnown,
  vocabularyJobResultSchema,
  type DatasetFlowJob,
  type DatasetJob,
  type JobFlow,
  type ObjectStore,
} from '@berth/contracts';
import { decideNext } from './decide-next.ts';
import { doDatasetJob, putRequest } from './do-dataset-job.ts';
import { optionsIdOf } from './make-vocabulary.ts';
import type { StageOptions } from './stage-options.ts';
import { lookWhatIsThere, type JobAnswers } from './what-is-there.ts';

/** Takes in what the last job of a flow has answered. @returns the key of a manifest where that is the answer */
export function takeAnswer(
  answers: JobAnswers,
  { kind }: DatasetFlowJob,
  answer: unknown,
): JobAnswers & { readonly manifestKey?: string | undefined } {
  const what = `The answer to a job of kind ${kind}`;
  switch (kind) {
    case 'inventory':
      return { ...answers, ...requireKnown(inventoryJobResultSchema, answer, what) };
    case 'compare': {
      const { manifestKey } = requireKnown(compareJobResultSchema, answer, what);
      return manifestKey === undefined
        ? { ...answers, differs: true }
        : { ...answers, manifestKey };
    }
    case 'vocabulary':
      return { ...answers, ...requireKnown(vocabularyJobResultSchema, answer, what) };
    default:
      return answers;
  }
}

/**
 * Makes a dataset in this process, one job after the other.
 * @returns the key of its manifest
 * @throws BerthError what its jobs fail with
 */
export async function makeDatasetHere(
  request: DatasetJob,
  store: ObjectStore,
  options: StageOptions = {},
): Promise<string> {
  const asked = { request, requestId: await putRequest(store, request), keepsText: false };
  let answers: ReturnType<typeof takeAnswer> = {};
  while (answers.manifestKey === undefined) {
    const there = await lookWhatIsThere(store, answers, optionsIdOf(request, answers.given));
    const next = decideNext(asked, answers, there);
    if (next.kind === 'there') return next.manifestKey;
    const { job, after = [] } = next.flow;
    for (const before of after) await doFlow(before, store, options);
    answers = takeAnswer(answers, job, await doDatasetJob(job, store, options));
  }
  return answers.manifestKey;
}

async function doFlow(
  { job, after = [] }: JobFlow<DatasetFlowJob>,
  store: ObjectStore,
  options: StageOptions,
): Promise<void> {
  for (const before of after) await doFlow(before, store, options);
  await doDatasetJob(job, store, options);
}
