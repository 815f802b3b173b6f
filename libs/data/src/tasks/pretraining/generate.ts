import type { ExampleShard, TextRules } from '@berth/contracts';
import { CounterRandom, randomDomains } from '../../random/counter-random.ts';
import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { maskedExample, type SourcedExample } from './example.ts';
import { segmentPairs, type NextSentencePicker } from './segment-pairs.ts';
import { numDocumentsOf, type TokenDocuments } from '../../dataset/token-documents.ts';
import { createWordContinuations } from './word-continuations.ts';

// Held-out examples are the same whatever the seed of the run, so that evaluations can be compared.
const heldOutSeed = 12_345;

export interface GenerateOptions {
  /** Documents of one dataset shard. */
  readonly documents: TokenDocuments;
  /** Where random segments may come from too. */
  readonly others?: readonly TokenDocuments[];
  readonly vocabulary: ExampleVocabulary;
  readonly settings: ExampleSettings;
  readonly split: ExampleShard['split'];
  readonly seed: number;
  readonly epoch: number;
  readonly shard: number;
  /** Of the engine that made the dataset, if known. */
  readonly textRules?: TextRules | undefined;
}

/**
 * The examples of one shard and epoch, lazily, in document order. The n-th example of a document depends on
 * (seed, epoch, shard, document, n) and the documents alone; held-out examples ignore the seed.
 * A random next segment comes from any other document of the shard and of the others. Where there is none it comes from
 * another place of that document, never from where A ends, so its label is true.
 */
export function* generateExamples(
  options: GenerateOptions,
): Generator<SourcedExample, void, undefined> {
  const { documents, vocabulary, settings } = options;
  const stream = streamOf(options);
  const pairOptions = {
    numTokens: settings.maxSeqLength - 3,
    shortSeqRatio: settings.shortSeqRatio,
    pickNext: elsewhere([documents, ...(options.others ?? [])]),
  };
  const continuesWord = settings.wholeWordMask
    ? createWordContinuations(vocabulary.tokens, options.textRules)
    : undefined;
  for (let document = 0; document < numDocumentsOf(documents); document++) {
    const ofDocument = stream.child(document);
    let index = 0;
    for (const pair of segmentPairs(documents, document, ofDocument, pairOptions)) {
      const random = ofDocument.child(index);
      yield maskedExample(documents, pair, settings, vocabulary, continuesWord, random);
      index++;
    }
  }
}

/** The chances of a shard's examples. */
export function streamOf({
  split,
  seed,
  epoch,
  shard,
}: Pick<GenerateOptions, 'split' | 'seed' | 'epoch' | 'shard'>): CounterRandom {
  return split === 'train'
    ? CounterRandom.of(seed, randomDomains.trainExamples, epoch, shard)
    : CounterRandom.of(heldOutSeed, randomDomains.heldOutExamples, epoch, shard);
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
