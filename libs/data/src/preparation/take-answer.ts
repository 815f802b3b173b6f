import {
  compareJobResultSchema,
  datasetJobResultSchema,
  inventoryJobResultSchema,
  requireKnown,
  vocabularyJobResultSchema,
  type DatasetFlowJob,
} from '@berth/contracts';
import type { JobAnswers } from './what-is-there.ts';

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
    case 'import':
      return { ...answers, ...requireKnown(datasetJobResultSchema, answer, what) };
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
