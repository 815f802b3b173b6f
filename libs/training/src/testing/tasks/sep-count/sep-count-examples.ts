import { BerthError, columnOf, sha256Hex } from '@berth/contracts';
import type { ExamplesRequest, TaskExamples, TokenSource } from '@berth/data';
import { maxCount, sepCount } from './sep-count-task.ts';

interface Example {
  readonly ids: readonly number[];
  readonly count: number;
  readonly sources: readonly TokenSource[];
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
      const sources: TokenSource[] = [];
      for (const last = sentence + count; sentence < last; sentence++) {
        const start = sentenceStarts[sentence]!;
        const source = { documents, start, end: sentenceStarts[sentence + 1]! };
        ids.push(...tokens.subarray(start, source.end), vocabulary.sepId);
        sources.push(source);
      }
      if (ids.length <= settings.maxSeqLength) yield { ids, count, sources };
    }
  }
}

/** Examples of the toy, kept as JSON. */
export const sepCountExamples: TaskExamples = {
  task: sepCount,
  firstFormat: sepCount.exampleFormat,
  readsWindow: () => false,
  *make(request) {
    const examples: Omit<Example, 'sources'>[] = [];
    for (const { ids, count } of examplesOf(request)) {
      examples.push({ ids, count });
      yield;
    }
    return Buffer.from(JSON.stringify(examples));
  },
  *sources(request) {
    for (const { sources } of examplesOf(request)) yield sources;
  },
  baselines: () => ({ add: () => undefined, values: () => ({}) }),
  open(bytes, expectedSha256, name = 'example shard') {
    if (sha256Hex(bytes) !== expectedSha256)
      throw new BerthError('DATA_SHARD_CORRUPT', `${name}: other bytes`);
    const examples = JSON.parse(new TextDecoder().decode(bytes)) as readonly Omit<
      Example,
      'sources'
    >[];
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
