import type { ExamplesConfig } from '@berth/contracts';
import type { CounterRandom } from '../../random/counter-random.ts';
import { shuffle } from '../../random/random-source.ts';
import { startOfDocument, type TokenDocuments } from '../../dataset/token-documents.ts';
import { maskedSequence, type SourcedExample } from './example.ts';
import { documentStream, goByContent, streamOf } from './chances.ts';
import type { GenerateOptions } from './generate.ts';
import { documentsInOrder, packedSentences, type PackedRange } from './packed-sentences.ts';
import type { TokenRange } from './segment-pairs.ts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { createWordContinuations } from './word-continuations.ts';

export interface PackedOptions extends GenerateOptions {
  readonly settings: ExampleSettings & Pick<ExamplesConfig, 'packAcrossDocuments'>;
}

/**
 * The packed examples of one shard and epoch, lazily. Where they cross documents, these are in another order in each epoch, so
 * that a document has other neighbours; where they do not, only masks are others. An example depends on its chances and the shard's
 * documents alone.
 */
export function* generatePackedExamples(
  options: PackedOptions,
): Generator<SourcedExample, void, undefined> {
  const { documents, vocabulary, settings, textRules } = options;
  const acrossDocuments = settings.packAcrossDocuments ?? true;
  const { order, chancesOf } = packingChances(options, acrossDocuments);
  const numTokens = settings.maxSeqLength - 2;
  const continuesWord =
    settings.masking !== 'token'
      ? createWordContinuations(vocabulary.tokens, textRules)
      : undefined;
  const packed = packedSentences(documents, {
    order,
    numTokens,
    acrossDocuments,
    targetOf(example, start) {
      const random = chancesOf(example, start).child(0);
      return random.random() < settings.shortSeqRatio ? random.randint(2, numTokens) : numTokens;
    },
  });
  let index = 0;
  for (const ranges of packed) {
    const random = chancesOf(index, ranges[0]!).child(1);
    const ids = sequenceOf(documents, ranges, vocabulary);
    yield {
      ...maskedSequence(ids, settings, vocabulary, continuesWord, random),
      numFirstSegment: ids.length,
      isRandomNext: false,
      sources: ranges.map((range) => ({ documents, ...range })),
    };
    index++;
  }
}

/** In which order documents are packed, and the chances of an example. */
interface PackingChances {
  readonly order: Uint32Array;
  readonly chancesOf: (example: number, start: Readonly<PackedRange>) => CounterRandom;
}

/** By the number of an example, or by the document that it begins with and the place there. */
function packingChances(options: PackedOptions, isShuffled: boolean): PackingChances {
  const { documents } = options;
  const order = documentsInOrder(documents);
  if (!goByContent(options)) {
    const stream = streamOf(options);
    if (isShuffled) shuffle(order, stream.child(0));
    const ofExamples = stream.child(1);
    return { order, chancesOf: (example) => ofExamples.child(example) };
  }
  if (isShuffled) {
    const places = Float64Array.from(order, (document) =>
      documentStream(options, document).child(0).random(),
    );
    order.sort((a, b) => places[a]! - places[b]! || a - b);
  }
  return {
    order,
    chancesOf: (_, { document, start }) =>
      documentStream(options, document)
        .child(1)
        .child(start - startOfDocument(documents, document)),
  };
}

/** [CLS] text of a document [SEP] text of another [SEP] */
function sequenceOf(
  { tokens }: TokenDocuments,
  ranges: readonly TokenRange[],
  { clsId, sepId }: ExampleVocabulary,
): Uint32Array {
  const parts = ranges.map(({ start, end }) => tokens.subarray(start, end));
  const ids = new Uint32Array(1 + parts.reduce((sum, { length }) => sum + length + 1, 0));
  ids[0] = clsId;
  let at = 1;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
    ids[at++] = sepId;
  }
  return ids;
}
