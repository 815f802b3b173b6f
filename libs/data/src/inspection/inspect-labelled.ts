import type { DataView, LabelledDataset, ObjectStore, ShownExample } from '@berth/contracts';
import { readDatasetVocabulary } from '../dataset/read-dataset.ts';
import { readExampleShard } from '../examples/example-job.ts';
import { showRow } from '../replay/show-example.ts';
import { spreadEvenly } from '../sampling/spread-evenly.ts';
import { labelledExamples } from '../tasks/fine-tuning/labelled-examples.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { createLengths } from './lengths.ts';

/**
 * Looks at the labelled examples of a fine-tuning: the first shard of them that is no larger than so many bytes, if there is one.
 * @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function inspectLabelled(
  store: ObjectStore,
  dataset: LabelledDataset,
  { maxBytes, numExamples: numShown }: { readonly maxBytes: number; readonly numExamples: number },
): Promise<DataView> {
  const { fineTuning, train, maxSeqLength } = dataset;
  const format = labelledExamples(fineTuning);
  const { tokens } = parseVocabulary(await readDatasetVocabulary(store, dataset), 'vocab.txt');
  const part = train.find(({ sizeBytes }) => sizeBytes <= maxBytes);
  const lengths = createLengths();
  const examples: ShownExample[] = [];
  if (part !== undefined) {
    const { epoch, shard, numExamples } = part;
    const reader = await readExampleShard(store, part, format);
    for (let example = 0; example < numExamples; example++)
      lengths.add(reader.countOf('numTokens', example));
    for (const example of spreadEvenly(numExamples, numShown))
      examples.push({
        split: 'train',
        epoch,
        shard,
        example,
        ...showRow(format.task, { maxSeqLength, maxPredictions: 0 }, tokens, { reader, example }),
        sources: [],
      });
  }
  return {
    datasetId: dataset.datasetId,
    format: dataset.format,
    report: null,
    numForgotten: 0,
    looked: {
      numDocuments: 0,
      ofDocuments: 0,
      numShards: part === undefined ? 0 : 1,
      ofShards: train.length,
      numExamples: part?.numExamples ?? 0,
      areWhole: true,
    },
    shares: [],
    examples,
    documentLengths: [],
    exampleLengths: lengths.bins(),
    longest: [],
    mostUnknown: [],
    mostSymbols: [],
    duplicates: [],
  };
}
