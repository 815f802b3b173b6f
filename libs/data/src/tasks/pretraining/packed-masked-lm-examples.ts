import { tasks } from '@berth/contracts';
import { requireFormat } from './formats.ts';
import { generatePackedExamples } from './generate-packed.ts';
import { maskedLmExamples } from './masked-lm-examples.ts';
import { packRows } from './pack-rows.ts';
import { encodeRowShard, openRowShard } from './row-shard.ts';
import type { SourcedExample } from './example.ts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';

const firstFormat = 'berth-packed-rows/1';

/** Masked LM examples that have several sequences, each of one document (ADR 0076). */
export const packedMaskedLmExamples: TaskExamples = {
  ...maskedLmExamples,
  task: tasks.packedMaskedLm,
  firstFormat,
  make: (request) =>
    encodeRowShard(rowsOf(request), { exampleSetId: request.exampleSetId, ...request.settings }),
  *sources(request) {
    for (const row of rowsOf(request))
      yield row.flatMap(({ sources: [source, ...others] }, index) =>
        index === 0 ? [source!, ...others] : [{ ...source!, beginsSequence: true }, ...others],
      );
  },
  open: openRowShard,
};

function rowsOf(request: ExamplesRequest): Iterable<readonly SourcedExample[]> {
  const { format = firstFormat } = request;
  requireFormat(format, [firstFormat]);
  const settings = { ...request.settings, packAcrossDocuments: false };
  const sequences = generatePackedExamples({ ...request, settings, chancesBy: 'content' });
  return packRows(sequences, settings);
}
