import { tasks } from '@berth/contracts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';
import { encodingExampleShard } from './example-shard.ts';
import { measureExamples } from './example-statistics.ts';
import type { SourcedExample } from './example.ts';
import { requireFormat } from './formats.ts';
import { generatePackedExamples } from './generate-packed.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

/** Chances go by the place in the shard. */
const byPlace = 'berth-packed-examples/1';
/** They go by the hash of the document that an example begins with (ADR 0076). */
const byContent = 'berth-packed-examples/2';

/** Masked LM examples of packed sentences. */
export const maskedLmExamples: TaskExamples = {
  ...pretrainingExamples,
  task: tasks.maskedLm,
  firstFormat: byPlace,
  measure: (settings, { maskId }) => measureExamples(tasks.maskedLm, settings, maskId),
  readsWindow: () => false,
  make: (request) =>
    encodingExampleShard(examplesOf(request), {
      exampleSetId: request.exampleSetId,
      ...request.settings,
    }),
  *sources(request) {
    for (const { sources } of examplesOf(request)) yield sources;
  },
};

function examplesOf(request: ExamplesRequest): Iterable<SourcedExample> {
  const { format = byPlace } = request;
  requireFormat(format, [byPlace, byContent]);
  const chancesBy = format === byContent ? 'content' : 'place';
  return generatePackedExamples({ ...request, chancesBy });
}
