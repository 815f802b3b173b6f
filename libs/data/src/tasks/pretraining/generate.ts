import type { TextRules } from '@berth/contracts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { chancesOfDocument, type ExamplePlace } from './chances.ts';
import { maskedExample, type SourcedExample } from './example.ts';
import { segmentPairs, type NextSentencePicker } from './segment-pairs.ts';
import { numDocumentsOf, type TokenDocuments } from '../../dataset/token-documents.ts';
import { createWordContinuations } from './word-continuations.ts';

export interface GenerateOptions extends ExamplePlace {
  /** Documents of one dataset shard. */
  readonly documents: TokenDocuments;
  /** Where random segments may come from too. */
  readonly others?: readonly TokenDocuments[];
  readonly vocabulary: ExampleVocabulary;
  readonly settings: ExampleSettings;
  /** Of the engine that made the dataset, if known. */
  readonly textRules?: TextRules | undefined;
}

/**
 * The examples of one shard and epoch, lazily, in document order. The n-th example of a document depends on its chances and
 * the documents alone. A random next segment comes from any other document of the shard and of the others. Where there is none it comes from
 * another place of that document, never from where A ends, so its label is true.
 */
export function* generateExamples(
  options: GenerateOptions,
): Generator<SourcedExample, void, undefined> {
  const { documents, vocabulary, settings } = options;
  const pairOptions = {
    numTokens: settings.maxSeqLength - 3,
    shortSeqRatio: settings.shortSeqRatio,
    pickNext: elsewhere([documents, ...(options.others ?? [])]),
  };
  const continuesWord =
    settings.masking !== 'token'
      ? createWordContinuations(vocabulary.tokens, options.textRules)
      : undefined;
  for (let document = 0; document < numDocumentsOf(documents); document++) {
    const chances = chancesOfDocument(options, document);
    let index = 0;
    for (const pair of segmentPairs(documents, document, chances, pairOptions)) {
      const random = chances.masksOf(index);
      yield maskedExample(documents, pair, settings, vocabulary, continuesWord, random);
      index++;
    }
  }
}

/** A sentence of another document or, when there is none, one that does not follow A, which is of the first set. */
function elsewhere(sets: readonly TokenDocuments[]): NextSentencePicker {
  let numDocuments = 0;
  const places = sets.map((documents) => {
    const first = numDocuments;
    numDocuments += numDocumentsOf(documents);
    return { documents, first, end: numDocuments };
  });
  return (random, document, continuation) => {
    const isAlone = numDocuments === 1;
    const other = isAlone ? document : anyBut(document, 0, numDocuments - 1, random);
    const { documents, first } = places.find(({ end }) => other < end)!;
    const { documentStarts } = documents;
    const firstSentence = documentStarts[other - first]!;
    const lastSentence = documentStarts[other - first + 1]! - 1;
    const sentence =
      isAlone && continuation <= lastSentence
        ? anyBut(continuation, firstSentence, lastSentence, random)
        : random.randint(firstSentence, lastSentence);
    return { documents, document: other - first, sentence };
  };
}

/** Uniform in [low, high] without `excluded`, which lies in it. */
function anyBut(
  excluded: number,
  low: number,
  high: number,
  random: { randint(low: number, high: number): number },
): number {
  const drawn = random.randint(low, high - 1);
  return drawn < excluded ? drawn : drawn + 1;
}
