import { tasks } from '@berth/contracts';
import {
  documentOfToken,
  sentencesOf,
  startOfDocument,
  type TokenSource,
} from '../../dataset/token-documents.ts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';
import { pretrainingBaselines } from './baselines.ts';
import type { SourcedExample } from './example.ts';
import { encodingExampleShard, openExampleShard } from './example-shard.ts';
import { requireFormat } from './formats.ts';
import { measureExamples } from './example-statistics.ts';
import { generateExamples } from './generate.ts';
import { documentsInOrder } from './packed-sentences.ts';
import { generateGoogleExamples, shuffledDocuments } from './google-examples.ts';

/** Random segments come from documents of the shard alone. */
const withinShard = 'berth-examples/1';
/** They come from all documents that are mixed in the epoch (ADR 0060). */
const withinWindow = 'berth-examples/2';

/** So they do, and a document's own chances go by its hash (ADR 0076). */
const byContent = 'berth-examples/3';
const known = [withinShard, withinWindow, byContent];

/** As `create_pretraining_data.py` has it. */
const defaultDupeFactor = 10;

/** Masked LM and next sentence examples. */
export const pretrainingExamples: TaskExamples = {
  task: tasks.pretraining,
  firstFormat: withinShard,
  readsWindow: ({ mode }, format) =>
    mode === 'berth' && format !== undefined && format !== withinShard,
  readsOrder: ({ mode }) => mode === 'google',
  make: (request) =>
    encodingExampleShard(examplesOf(request), {
      exampleSetId: request.exampleSetId,
      ...request.settings,
    }),
  *sources(request) {
    const { settings, split } = request;
    const isShuffled = settings.mode === 'google' && split === 'train';
    const unshuffled = isShuffled ? inShard(request) : undefined;
    for (const { sources } of examplesOf(request))
      yield unshuffled === undefined ? sources : sources.map(unshuffled);
  },
  measure: (settings, { maskId }) => measureExamples(tasks.pretraining, settings, maskId),
  open: openExampleShard,
  baselines: pretrainingBaselines,
};

/** Held-out examples are the same in both modes, so that their evaluations can be compared. */
function examplesOf(request: ExamplesRequest): Iterable<SourcedExample> {
  const { settings, format = withinShard, split, documents, order, vocabulary, seed } = request;
  requireFormat(format, known);
  if (settings.mode === 'berth' || split === 'heldOut')
    return generateExamples({
      ...request,
      chancesBy: format === byContent ? 'content' : 'place',
    });
  const { dupeFactor = defaultDupeFactor } = settings;
  const read = [...sentencesOf(documents)];
  const inOrder = order === undefined ? read : Array.from(order, (document) => read[document]!);
  return generateGoogleExamples(inOrder, { vocabulary, settings, dupeFactor, seed });
}

/** Google mode shuffles documents first: a source among these as one of the shard. */
function inShard({
  documents,
  order: before = documentsInOrder(documents),
  seed,
}: ExamplesRequest): (source: TokenSource) => TokenSource {
  const order = shuffledDocuments(before, seed);
  return (source) => {
    const place = documentOfToken(source.documents, source.start);
    const shift =
      startOfDocument(documents, order[place]!) - startOfDocument(source.documents, place);
    return { documents, start: source.start + shift, end: source.end + shift };
  };
}
