import { BerthError, columnOf, sha256Hex } from '@berth/contracts';
import type { ExamplesRequest, TaskExamples } from '@berth/data';
import { maxCount, sepCount } from './sep-count-task.ts';

interface Example {
  readonly ids: readonly number[];
  readonly count: number;
}

/** [CLS] sentence [SEP] sentence [SEP] ..., one to four sentences of a document. */
function* examplesOf(request: ExamplesRequest): Generator<Example> {
  const { documents, vocabulary, settings, epoch, shard } = request;
  const { tokens, sentenceStarts, documentStarts } = documents;
  const numDocuments = documentStarts.length - 1;
  for (let document = 0; document < numDocuments; document++) {
    const end = documentStarts[document + 1]!;
    let sentence = documentStarts[document]!;
    for (let index = epoch + shard + document; sentence < end; index++) {
      const ids = [vocabulary.clsId];
      const count = Math.min(1 + (index % maxCount), end - sentence);
      for (const last = sentence + count; sentence < last; sentence++)
        ids.push(
          ...tokens.subarray(sentenceStarts[sentence], sentenceStarts[sentence + 1]),
          vocabulary.sepId,
        );
      if (ids.length <= settings.maxSeqLength) yield { ids, count };
    }
  }
}

/** Examples of the toy, kept as JSON. */
export const sepCountExamples: TaskExamples = {
  task: sepCount,
  firstFormat: sepCount.exampleFormat,
  readsWindow: () => false,
  make: (request) => Buffer.from(JSON.stringify([...examplesOf(request)])),
  baselines: () => ({ add: () => undefined, values: () => ({}) }),
  open(bytes, expectedSha256, name = 'example shard') {
    if (sha256Hex(bytes) !== expectedSha256)
      throw new BerthError('DATA_SHARD_CORRUPT', `${name}: other bytes`);
    const examples = JSON.parse(new TextDecoder().decode(bytes)) as readonly Example[];
    return {
      numExamples: examples.length,
      numTokens: examples.reduce((total, { ids }) => total + ids.length, 0),
      numPredictions: examples.length,
      countOf: (sum, example) => (sum === 'numTokens' ? examples[example]!.ids.length : 1),
      copyInto(batch, row, example) {
        const { ids, count } = examples[example]!;
        const start = row * batch.seqLength;
        columnOf(batch, 'inputIds').set(ids, start);
        columnOf(batch, 'inputMask').fill(1, start, start + ids.length);
        columnOf(batch, 'sepCounts')[row] = count - 1;
      },
    };
  },
};
