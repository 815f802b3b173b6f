import { BerthError, tasks } from '@berth/contracts';
import { sentencesOf } from '../../dataset/token-documents.ts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';
import { pretrainingBaselines } from './baselines.ts';
import type { Example } from './example.ts';
import { encodeExampleShard, openExampleShard } from './example-shard.ts';
import { generateExamples } from './generate.ts';
import { generateGoogleExamples } from './google-examples.ts';

/** Random segments come from documents of the shard alone. */
const withinShard = 'berth-examples/1';
/** They come from all documents that are mixed in the epoch (ADR 0060). */
const withinWindow = 'berth-examples/2';

/** As `create_pretraining_data.py` has it. */
const defaultDupeFactor = 10;

/** Masked LM and next sentence examples. */
export const pretrainingExamples: TaskExamples = {
  task: tasks.pretraining,
  firstFormat: withinShard,
  readsWindow: ({ mode }, format) => mode === 'berth' && format === withinWindow,
  make: (request) =>
    encodeExampleShard(examplesOf(request), {
      exampleSetId: request.exampleSetId,
      ...request.settings,
    }),
  open: openExampleShard,
  baselines: pretrainingBaselines,
};

/** Held-out examples are the same in both modes, so that their evaluations can be compared. */
function examplesOf(request: ExamplesRequest): Iterable<Example> {
  const { settings, format = withinShard, split, documents, vocabulary, seed } = request;
  if (format !== withinShard && format !== withinWindow)
    throw new BerthError(
      'DATA_MISMATCH',
      `this worker's release does not know how to make ${format}; give all workers the newest release`,
    );
  if (settings.mode === 'berth' || split === 'heldOut') return generateExamples(request);
  const { dupeFactor = defaultDupeFactor } = settings;
  return generateGoogleExamples(sentencesOf(documents), { vocabulary, settings, dupeFactor, seed });
}
