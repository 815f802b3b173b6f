import { BerthError, tasks } from '@berth/contracts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';
import { encodeExampleShard } from './example-shard.ts';
import type { SourcedExample } from './example.ts';
import { generatePackedExamples } from './generate-packed.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const { exampleFormat } = tasks.maskedLm;

/** Masked LM examples of packed sentences. */
export const maskedLmExamples: TaskExamples = {
  ...pretrainingExamples,
  task: tasks.maskedLm,
  firstFormat: exampleFormat,
  readsWindow: () => false,
  make: (request) =>
    encodeExampleShard(examplesOf(request), {
      exampleSetId: request.exampleSetId,
      ...request.settings,
    }),
  *sources(request) {
    for (const { sources } of examplesOf(request)) yield sources;
  },
};

function examplesOf(request: ExamplesRequest): Iterable<SourcedExample> {
  const { format = exampleFormat } = request;
  if (format !== exampleFormat)
    throw new BerthError(
      'DATA_MISMATCH',
      `this worker's release does not know how to make ${format}; give all workers the newest release`,
    );
  return generatePackedExamples(request);
}
