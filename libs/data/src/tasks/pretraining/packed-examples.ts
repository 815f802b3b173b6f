import { tasks } from '@berth/contracts';
import { measureExamples } from './example-statistics.ts';
import { requireFormat } from './formats.ts';
import { generateExamples } from './generate.ts';
import { generatePackedExamples } from './generate-packed.ts';
import { packRows } from './pack-rows.ts';
import { pretrainingExamples } from './pretraining-examples.ts';
import { encodingRowShard, openRowShard } from './row-shard.ts';
import type { SourcedExample } from './example.ts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';

/** Masked LM examples that have several sequences, each of one document (ADR 0076). */
export const packedMaskedLmExamples = packedExamples(
  { task: tasks.packedMaskedLm, firstFormat: 'berth-packed-rows/1', readsWindow: () => false },
  (request) =>
    generatePackedExamples({
      ...request,
      settings: { ...request.settings, packAcrossDocuments: false },
      chancesBy: 'content',
    }),
);

/** Those with next sentences that have several pairs. */
export const packedPretrainingExamples = packedExamples(
  { task: tasks.packedPretraining, firstFormat: 'berth-packed-pairs/1', readsWindow: () => true },
  (request) => generateExamples({ ...request, chancesBy: 'content' }),
);

function packedExamples(
  own: Pick<TaskExamples, 'task' | 'firstFormat' | 'readsWindow'>,
  sequencesOf: (request: ExamplesRequest) => Iterable<SourcedExample>,
): TaskExamples {
  const rowsOf = (request: ExamplesRequest): Iterable<readonly SourcedExample[]> => {
    requireFormat(request.format ?? own.firstFormat, [own.firstFormat]);
    return packRows(sequencesOf(request), request.settings);
  };
  return {
    ...own,
    make: (request) =>
      encodingRowShard(rowsOf(request), {
        exampleSetId: request.exampleSetId,
        ...request.settings,
      }),
    *sources(request) {
      for (const row of rowsOf(request))
        yield row.flatMap(({ sources: [source, ...others] }, index) =>
          index === 0 ? [source!, ...others] : [{ ...source!, beginsSequence: true }, ...others],
        );
    },
    measure: (settings, { maskId }) => measureExamples(own.task, settings, maskId),
    open: openRowShard,
    baselines: pretrainingExamples.baselines,
  };
}
