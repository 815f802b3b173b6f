import type { ExamplesConfig } from '@berth/contracts';
import { shuffle } from '../../random/random-source.ts';
import type { TokenDocuments } from '../../dataset/token-documents.ts';
import { maskedSequence, type SourcedExample } from './example.ts';
import { streamOf, type GenerateOptions } from './generate.ts';
import { documentsInOrder, packedSentences } from './packed-sentences.ts';
import type { TokenRange } from './segment-pairs.ts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { createWordContinuations } from './word-continuations.ts';

export interface PackedOptions extends GenerateOptions {
  readonly settings: ExampleSettings & Pick<ExamplesConfig, 'packAcrossDocuments'>;
}

/**
 * The packed examples of one shard and epoch, lazily. Where they cross documents, these are shuffled in each epoch, so that a
 * document has other neighbours; where they do not, only masks are others. The n-th example depends on (seed, epoch, shard, n)
 * and the shard's documents alone; held-out examples ignore the seed.
 */
export function* generatePackedExamples(
  options: PackedOptions,
): Generator<SourcedExample, void, undefined> {
  const { documents, vocabulary, settings, textRules } = options;
  const acrossDocuments = settings.packAcrossDocuments ?? true;
  const stream = streamOf(options);
  const order = documentsInOrder(documents);
  if (acrossDocuments) shuffle(order, stream.child(0));
  const ofExamples = stream.child(1);
  const numTokens = settings.maxSeqLength - 2;
  const continuesWord = settings.wholeWordMask
    ? createWordContinuations(vocabulary.tokens, textRules)
    : undefined;
  const packed = packedSentences(documents, {
    order,
    numTokens,
    acrossDocuments,
    targetOf(example) {
      const random = ofExamples.child(example).child(0);
      return random.random() < settings.shortSeqRatio ? random.randint(2, numTokens) : numTokens;
    },
  });
  let index = 0;
  for (const ranges of packed) {
    const random = ofExamples.child(index).child(1);
    const original = sequenceOf(documents, ranges, vocabulary);
    yield {
      ...maskedSequence(original, settings, vocabulary, continuesWord, random),
      numFirstSegment: original.length,
      isRandomNext: false,
      sources: ranges.map((range) => ({ documents, ...range })),
    };
    index++;
  }
}

/** [CLS] text of a document [SEP] text of another [SEP] */
function sequenceOf(
  { tokens }: TokenDocuments,
  ranges: readonly TokenRange[],
  { clsId, sepId }: ExampleVocabulary,
): Uint16Array {
  const parts = ranges.map(({ start, end }) => tokens.subarray(start, end));
  const ids = new Uint16Array(1 + parts.reduce((sum, { length }) => sum + length + 1, 0));
  ids[0] = clsId;
  let at = 1;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
    ids[at++] = sepId;
  }
  return ids;
}
